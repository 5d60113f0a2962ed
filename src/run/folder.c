/* SPDX-License-Identifier: MIT */
/* folder.c: the folder of a run: a new one, or one to go on with. */
#include "folder.h"

#include <dirent.h>
#include <string.h>

#include <pdessm/train.h>

#include "shared/paths.h"

/* Does the folder have an entry whose name begins like this? */
static int has_entry(const char *folder, const char *beginning) {
    int found = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *e; dir && !found && (e = readdir(dir));)
        found = strncmp(e->d_name, beginning, strlen(beginning)) == 0;
    if (dir)
        closedir(dir);
    return found;
}

static int holds_a_run(const char *folder) {
    return has_entry(folder, "config.yaml") || has_entry(folder, "log.csv") ||
           has_entry(folder, "step-");
}

/* A run that was killed before its first checkpoint begins anew, which gives the same bits. */
static pdessm_status find_checkpoint(cli *c, const char *folder, char **ret) {
    pdessm_status status = pdessm_checkpoint_newest(c->ctx, folder, ret);
    if (status != PDESSM_OK || *ret)
        return status;
    if (has_entry(folder, "step-"))
        return pdessm_fail(c->ctx, PDESSM_ERROR_FILE,
                           "%s: no complete checkpoint (step-*) to go on from; begin anew with "
                           "another --out",
                           folder);
    pdessm_cli_note(c, "%s has no checkpoint yet: the run begins anew", folder);
    return PDESSM_OK;
}

pdessm_status pdessm_cli_train_folder(cli *c, const char *folder, int resume,
                                      char **ret_checkpoint) {
    pdessm_status status = PDESSM_OK;
    if (resume)
        return find_checkpoint(c, folder, ret_checkpoint);
    PDESSM_REQUIRE(c->ctx, !holds_a_run(folder), PDESSM_ERROR_ARGUMENT,
                   "%s holds a run already; go on with --resume %s, or use another --out", folder,
                   folder);
    PDESSM_TRY(pdessm_make_folder(c->ctx, folder));
out:
    return status;
}
