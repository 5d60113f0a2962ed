/* SPDX-License-Identifier: MIT */
/* folder.c: the folder of a long fit: a description of the fit, so that only the same fit resumes
 * from it. The kinds keep their files beside it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/atomic_file.h"
#include "files/file.h"
#include "fit/fit.h"
#include "model/fingerprint.h"

/* Everything that the numbers of the map depend on. */
static pdessm_status describe(const pdessm_fit_job *job, const pdessm_precondition_info *info,
                              char ret[PDESSM_ORIGIN_TEXT]) {
    const pdessm_precondition_options *o = job->options;
    uint64_t hash = 0;
    pdessm_status status = pdessm_fingerprint_data(job->ctx, job->data, &hash);
    snprintf(ret, PDESSM_ORIGIN_TEXT,
             "%s data %016" PRIx64 " classes %" PRId64 " eps %.9g shrinkage %.9g steps %" PRId64
             " batch %d layers %" PRId64 " hidden %" PRId64 " seed %" PRIu64,
             pdessm_precondition_name(info->kind), hash, info->classes, o->epsilon, o->shrinkage,
             o->steps, o->batch, o->layers, o->hidden, o->seed);
    return status;
}

static pdessm_status compare(pdessm_context *ctx, const char *path, const char *now) {
    pdessm_status status = PDESSM_OK;
    pdessm_bytes bytes = {0};
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    PDESSM_REQUIRE(
        ctx, bytes.size == strlen(now) && memcmp(bytes.data, now, bytes.size) == 0,
        PDESSM_ERROR_FILE,
        "%s: was started as '%.*s', but '%s' is requested; remove its folder, or request the same",
        path, (int)(bytes.size < 500 ? bytes.size : 500), (const char *)bytes.data, now);
out:
    pdessm_bytes_release(&bytes);
    return status;
}

pdessm_status pdessm_fit_folder_open(const pdessm_fit_job *job,
                                     const pdessm_precondition_info *info) {
    pdessm_status status = PDESSM_OK;
    const char *folder = job->options->folder;
    char now[PDESSM_ORIGIN_TEXT], path[4096];
    if (!folder ||
        (info->kind != PDESSM_PRECONDITION_REALNVP && info->kind != PDESSM_PRECONDITION_FLOW))
        return PDESSM_OK;
    PDESSM_REQUIRE(job->ctx, snprintf(path, sizeof path, "%s/fit", folder) < 4000,
                   PDESSM_ERROR_ARGUMENT, "the path is too long: %.80s..", folder);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return pdessm_fail_io(job->ctx, folder, "make", errno, -1);
    PDESSM_TRY(describe(job, info, now));
    PDESSM_TRY(access(path, F_OK) == 0 ? compare(job->ctx, path, now)
                                       : pdessm_write_file(job->ctx, path, now, strlen(now)));
out:
    return status;
}
