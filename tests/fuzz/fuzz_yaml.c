/* SPDX-License-Identifier: MIT */
/* fuzz_yaml.c: settings of a run as YAML; what is accepted must come back the same from the file
 * that a run would write of it. */
#include "fuzz.h"

#include <string.h>

#include "run/settings.h"

/* 1: the text was taken; *ret is then what would be written. */
static int read_and_write(const void *data, size_t size, char **ret, size_t *ret_size) {
    const pdessm_bytes text = {.data = data, .size = size};
    pdessm_context *ctx = fuzz_context();
    pdessm_run_settings settings = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    const pdessm_status status = pdessm_run_settings_parse(ctx, "fuzz", &text, &settings);
    fuzz_judge(ctx, status);
    if (status == PDESSM_OK &&
        pdessm_run_settings_format(ctx, &settings, ret, ret_size) != PDESSM_OK)
        abort();
    pdessm_run_settings_release(&settings);
    return status == PDESSM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *once = NULL, *twice = NULL;
    size_t length = 0, again = 0;
    if (read_and_write(data, size, &once, &length)) {
        if (!read_and_write(once, length, &twice, &again) || length != again ||
            memcmp(once, twice, length) != 0)
            abort();
    }
    free(once);
    free(twice);
    return 0;
}
