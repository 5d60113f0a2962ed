/* SPDX-License-Identifier: MIT */
/* fuzz_config.c: configurations as checkpoints carry them; what is accepted must survive a round
 * trip. */
#include "fuzz.h"

#include <string.h>

#include <pdessm/model.h>

static void round_trip(pdessm_context *ctx, const pdessm_config *config) {
    pdessm_config again;
    char *text = NULL;
    if (pdessm_config_to_json(ctx, config, &text) != PDESSM_OK ||
        pdessm_config_from_json(ctx, text, &again) != PDESSM_OK)
        abort();
    free(text);
    if (again.width != config->width || again.depth != config->depth ||
        again.mixer != config->mixer || again.image_size[1] != config->image_size[1])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_config config;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    pdessm_status status = pdessm_config_from_json(ctx, text, &config);
    fuzz_judge(ctx, status);
    if (status == PDESSM_OK)
        round_trip(ctx, &config);
    free(text);
    return 0;
}
