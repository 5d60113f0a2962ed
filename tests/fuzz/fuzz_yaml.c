/* SPDX-License-Identifier: MIT */
/* fuzz_yaml.c: settings of a run as YAML; what is accepted must come back the same from the file
 * that a run would write of it. */
#include "fuzz.h"

#include <string.h>

#include "train/settings.h"

/* 1: the text was taken; *ret is then what would be written. */
static int read_and_write(cli *c, const void *data, size_t size, char **ret, size_t *ret_size) {
    const pdessm_bytes text = {.data = data, .size = size};
    cli_settings settings = pdessm_cli_settings_begin();
    const pdessm_status status = pdessm_cli_settings_parse(c, "fuzz", &text, &settings);
    fuzz_judge(c->ctx, status);
    if (status != PDESSM_OK)
        return 0;
    if (pdessm_cli_settings_format(c, &settings, ret, ret_size) != PDESSM_OK)
        abort();
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cli c = {.ctx = fuzz_context(), .quiet = 1};
    char *once = NULL, *twice = NULL;
    size_t length = 0, again = 0;
    if (read_and_write(&c, data, size, &once, &length)) {
        if (!read_and_write(&c, once, length, &twice, &again) || length != again ||
            memcmp(once, twice, length) != 0)
            abort();
    }
    free(once);
    free(twice);
    c.ctx = NULL; /* lives on */
    pdessm_cli_release(&c);
    return 0;
}
