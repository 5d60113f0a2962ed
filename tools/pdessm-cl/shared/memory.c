/* SPDX-License-Identifier: MIT */
/* memory.c: memory of devices and of the machine against what a command would need. */
#include "memory.h"

#include <unistd.h>

#include "print.h"

static pdessm_status check_batch(cli *c, const pdessm_config *config, int64_t rows, int64_t batch) {
    const pdessm_device_info *info = pdessm_device_get_info(c->device);
    pdessm_status status = PDESSM_OK;
    pdessm_memory_estimate need;
    PDESSM_TRY(pdessm_memory_to_sample(c->ctx, config, (int)rows, &need));
    PDESSM_REQUIRE(c->ctx,
                   need.total <= info->memory && need.largest_buffer <= info->largest_allocation,
                   PDESSM_ERROR_MEMORY,
                   "a batch of %lld needs %s, its largest buffer %s; %s has %s and allocates at "
                   "most %s at once: use a smaller --batch",
                   (long long)batch, pdessm_text_of_bytes(need.total).text,
                   pdessm_text_of_bytes(need.largest_buffer).text, info->name,
                   pdessm_text_of_bytes(info->memory).text,
                   pdessm_text_of_bytes(info->largest_allocation).text);
out:
    return status;
}

pdessm_status pdessm_cli_check_sampling(cli *c, const pdessm_model *model, int64_t height,
                                        int64_t width, int guided, int64_t batch) {
    pdessm_config config = *pdessm_model_get_config(model);
    config.image_size[0] = (int)height;
    config.image_size[1] = (int)width;
    pdessm_status status = pdessm_config_check(c->ctx, &config);
    /* The null class rides in the same batch. */
    return status == PDESSM_OK ? check_batch(c, &config, guided ? 2 * batch : batch, batch)
                               : status;
}

pdessm_status pdessm_cli_check_classifying(cli *c, const pdessm_model *model, int64_t batch) {
    return check_batch(c, pdessm_model_get_config(model), batch, batch);
}

pdessm_status pdessm_cli_check_host(cli *c, double bytes, const char *what, const char *advice) {
    const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= there)
        return PDESSM_OK;
    return pdessm_fail(c->ctx, PDESSM_ERROR_MEMORY,
                       "%s: %.1f GiB of memory needed, this machine "
                       "has %.1f GiB; %s",
                       what, bytes / 1073741824.0, there / 1073741824.0, advice);
}
