/* SPDX-License-Identifier: MIT */
/* map_stage.c: the first stage of `train --precondition`. */
#include <unistd.h>

#include "precondition/precondition.h"
#include "shared/interrupt.h"
#include "shared/paths.h"
#include "shared/print.h"
#include "shared/progress.h"

static int show(void *user, double share) {
    pdessm_cli_progress_update(user, share, "");
    return pdessm_cli_interrupted();
}

pdessm_status pdessm_cli_precondition_fit(cli *c, pdessm_dataset *data,
                                          pdessm_precondition_options *options,
                                          pdessm_precondition **ret) {
    enum { TRIED = 256 };
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    cli_progress bar;
    double rms, most;
    pdessm_cli_interrupt_catch();
    options->progress = show;
    options->user = &bar;
    double start = pdessm_seconds();
    pdessm_cli_progress_begin(&bar, c, "fit", 0);
    status = pdessm_precondition_fit(c->device, data, options, &map);
    pdessm_cli_progress_end(&bar);
    if (status != PDESSM_OK)
        goto out;
    start = pdessm_seconds() - start;
    PDESSM_TRY(pdessm_precondition_round_trip(map, data, TRIED, &rms, &most));
    const pdessm_precondition_info *info = pdessm_precondition_get_info(map);
    const char *scope = "";
    if (info->classes > 1)
        scope = pdessm_cli_text(c, " for %lld classes", (long long)info->classes);
    pdessm_cli_note(c,
                    "map: %s%s, %s, fitted in %.1f seconds; there and back: error %.2g (rms), %.2g "
                    "(largest)",
                    pdessm_precondition_name(info->kind), scope,
                    pdessm_text_of_bytes(4 * info->numbers).text, start, rms, most);
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    return status;
}

pdessm_status pdessm_cli_precondition_dataset(cli *c, pdessm_precondition *map,
                                              pdessm_dataset *data, const char *folder,
                                              pdessm_dataset **ret) {
    cli_progress bar;
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&bar, c, "map", 0);
    pdessm_status status = pdessm_precondition_dataset_kept(map, data, folder, show, &bar, ret);
    pdessm_cli_progress_end(&bar);
    return status;
}

/* Images are mapped once, before they are drawn, so nothing may change them after that. */
static pdessm_status refuse_augmentation(cli *c, const pdessm_run_settings *s) {
    if (!s->flip && !s->shift)
        return PDESSM_OK;
    return pdessm_fail(c->ctx, PDESSM_ERROR_ARGUMENT,
                       "--%s does not go with a preconditioner: images are mapped before they are "
                       "drawn, and the map of a changed image is not the changed map of the image",
                       s->flip ? "flip" : "shift");
}

static pdessm_status has_map(cli *c, const char *path, int *ret) {
    pdessm_safetensors *file = NULL;
    pdessm_status status = pdessm_safetensors_open(c->ctx, path, &file);
    if (status == PDESSM_OK)
        *ret = pdessm_safetensors_metadata(file, "pdessm.precondition") != NULL;
    pdessm_safetensors_destroy(&file);
    return status;
}

static pdessm_status find_map(cli *c, const pdessm_run_settings *s, const char *folder,
                              pdessm_dataset *data, pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    const char *path = pdessm_cli_text(c, "%s/precondition.safetensors", folder);
    const char *state = pdessm_cli_text(c, "%s.parts", path);
    pdessm_precondition_options o = pdessm_precondition_defaults(s->precondition);
    if (s->resume && access(path, F_OK) == 0) {
        PDESSM_TRY(pdessm_precondition_load(c->device, path, ret));
        pdessm_cli_note(c, "map: %s, from %s",
                        pdessm_precondition_name(pdessm_precondition_get_info(*ret)->kind), path);
        PDESSM_TRY(pdessm_remove_tree(c->ctx, state)); /* where the run was killed in between */
        goto out;
    }
    o.pooled = s->precondition_pooled;
    o.epsilon = s->precondition_epsilon;
    o.steps = s->precondition_steps;
    o.seed = (uint64_t)s->seed;
    o.state = state;
    PDESSM_TRY(pdessm_cli_precondition_fit(c, data, &o, ret));
    PDESSM_TRY(pdessm_precondition_save(*ret, path));
    PDESSM_TRY(pdessm_remove_tree(c->ctx, state));
out:
    return status;
}

pdessm_status pdessm_cli_train_precondition(cli *c, const pdessm_run_settings *s,
                                            const char *folder, const char *teacher,
                                            pdessm_dataset **data, pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    pdessm_dataset *mapped = NULL;
    int inherited = 0;
    const char *kept = NULL;
    const int asked = s->precondition != PDESSM_PRECONDITION_NONE;
    PDESSM_REQUIRE(c->ctx, !teacher || !asked, PDESSM_ERROR_ARGUMENT,
                   "--precondition does not go with --reflow: the student keeps its teacher's map");
    if (teacher)
        PDESSM_TRY(has_map(c, teacher, &inherited));
    if (!asked && !inherited)
        return PDESSM_OK;
    PDESSM_REQUIRE(c->ctx, s->task != PDESSM_TASK_CLASSIFY, PDESSM_ERROR_ARGUMENT,
                   "--precondition is for images that are drawn, not for --task classify");
    PDESSM_TRY(refuse_augmentation(c, s));
    if (inherited)
        PDESSM_TRY(pdessm_precondition_load(c->device, teacher, &map));
    else
        PDESSM_TRY(find_map(c, s, folder, *data, &map));
    /* Only the flow of a network takes so long that a resumed run should not do it again. */
    if (pdessm_precondition_get_info(map)->kind == PDESSM_PRECONDITION_FLOW)
        kept = pdessm_cli_text(c, "%s/mapped", folder);
    PDESSM_TRY(pdessm_cli_precondition_dataset(c, map, *data, kept, &mapped));
    const pdessm_dataset_info *i = pdessm_dataset_get_info(mapped);
    pdessm_cli_note(c, "mapped data: %s in memory",
                    pdessm_text_of_bytes(4 * i->count * i->channels * i->height * i->width).text);
    pdessm_dataset_destroy(data);
    *data = mapped;
    mapped = NULL;
    *ret = map;
    map = NULL;
out:
    if (status == PDESSM_ERROR_CANCELLED)
        status = pdessm_fail(c->ctx, status,
                             "interrupted before the first step; what is done is kept, go on with "
                             "`pdessm-cl train --resume %s`",
                             folder);
    pdessm_dataset_destroy(&mapped);
    pdessm_precondition_destroy(&map);
    return status;
}
