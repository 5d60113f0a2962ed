/* SPDX-License-Identifier: MIT */
/* memory.c: does the training fit into the device, and if not, what would. */
#include <stdio.h>

#include "core/text.h"
#include "run/run.h"

static int fits(const pdessm_memory_estimate *need, const pdessm_device_info *info) {
    return need->total <= info->memory && need->largest_buffer <= info->largest_allocation;
}

/* The largest power-of-two part of the batch that fits; 0: none does. */
static pdessm_status find_batch(pdessm_run *run, const pdessm_device_info *info, int *ret) {
    pdessm_train_options options = pdessm_run_settings_train_options(&run->settings);
    const int batch = options.batch;
    pdessm_memory_estimate need;
    for (options.batch = batch / 2; options.batch >= 1; options.batch /= 2) {
        const pdessm_status status = pdessm_train_memory(run->ctx, &run->config, &options, &need);
        if (status != PDESSM_OK)
            return status;
        if (fits(&need, info))
            break;
    }
    *ret = options.batch;
    return PDESSM_OK;
}

pdessm_status pdessm_run_check_memory(pdessm_run *run) {
    const pdessm_device_info *info = pdessm_device_get_info(run->device);
    const pdessm_train_options options = pdessm_run_settings_train_options(&run->settings);
    char change[128] = "even --batch 1 does not fit: use a smaller model or larger patches";
    pdessm_memory_estimate need;
    int advice;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_train_memory(run->ctx, &run->config, &options, &need));
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "memory: %s of %s (activations %s)",
               pdessm_text_of_bytes(need.total).text, pdessm_text_of_bytes(info->memory).text,
               pdessm_text_of_bytes(need.activations).text);
    if (fits(&need, info))
        return PDESSM_OK;
    PDESSM_TRY(find_batch(run, info, &advice));
    if (advice)
        snprintf(change, sizeof change, "use --batch %d --accum %lld", advice,
                 (long long)(run->settings.accumulate * ((options.batch + advice - 1) / advice)));
    status = pdessm_fail(
        run->ctx, PDESSM_ERROR_MEMORY,
        "training needs %s, its largest buffer %s; %s has %s and allocates at most %s at once: %s",
        pdessm_text_of_bytes(need.total).text, pdessm_text_of_bytes(need.largest_buffer).text,
        info->name, pdessm_text_of_bytes(info->memory).text,
        pdessm_text_of_bytes(info->largest_allocation).text, change);
out:
    return status;
}
