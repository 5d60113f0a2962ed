/* SPDX-License-Identifier: MIT */
/* make_model.c: make_model FILE: a small network with fresh parameters, by the public interface. */
#include <stdio.h>

#include <pdessm/pdessm.h>

int main(int argc, char **argv) {
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    pdessm_model *model = NULL;
    pdessm_config config;
    if (argc != 2 || pdessm_context_create(NULL, &ctx) != PDESSM_OK)
        return 2;
    int good = pdessm_device_open(ctx, "cpu", &device) == PDESSM_OK &&
               pdessm_config_preset(ctx, "pde-nano/4", &config) == PDESSM_OK &&
               pdessm_model_create(device, &config, 0, &model) == PDESSM_OK &&
               pdessm_model_init(model, 1) == PDESSM_OK &&
               pdessm_model_save(model, argv[1]) == PDESSM_OK;
    if (!good)
        fprintf(stderr, "make_model: %s\n", pdessm_context_error(ctx));
    pdessm_model_destroy(&model);
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
    return !good;
}
