/* SPDX-License-Identifier: MIT */
/* example.c: the library in a program of yours: loads a checkpoint and samples images from it.
 *
 *   cc example.c $(pkg-config --cflags --libs pdessm) -o example
 *   ./example RUN/step-00012000/ema.safetensors */
#include <stdio.h>
#include <stdlib.h>

#include <pdessm/pdessm.h>

enum { IMAGES = 4 };

static void print_message(void *user, pdessm_log_level level, const char *text) {
    (void)user;
    fprintf(stderr, "%s%s\n", level == PDESSM_LOG_WARNING ? "warning: " : "", text);
}

/* *ret_images: [IMAGES, channels, height, width], about in [-1, 1]; released with free(). */
static pdessm_status sample(pdessm_model *model, float **ret_images, size_t *ret_count) {
    const pdessm_config *config = pdessm_model_get_config(model);
    const int32_t labels[IMAGES] = {0, 1, 2, 3};
    pdessm_sample_options options = pdessm_sample_defaults(); /* Heun's method, 50 steps */
    options.steps = 10;
    options.guidance = 2;
    options.seed = 7;
    *ret_count = (size_t)IMAGES * (size_t)config->channels * (size_t)config->image_size[0] *
                 (size_t)config->image_size[1];
    *ret_images = malloc(*ret_count * sizeof **ret_images);
    if (!*ret_images)
        return PDESSM_ERROR_MEMORY;
    return pdessm_sample(model, &options, IMAGES, labels, *ret_images, NULL);
}

int main(int argc, char **argv) {
    const pdessm_context_options options = {.log = print_message};
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    pdessm_model *model = NULL;
    float *images = NULL;
    size_t count = 0;
    pdessm_status status = pdessm_context_create(&options, &ctx);
    if (status == PDESSM_OK) /* NULL: the best device; plain C if there is no GPU */
        status = pdessm_device_open(ctx, NULL, &device);
    if (status == PDESSM_OK)
        status = pdessm_model_load(device, argc > 1 ? argv[1] : "ema.safetensors", 0, &model);
    if (status == PDESSM_OK)
        status = sample(model, &images, &count);
    if (status == PDESSM_OK)
        printf("%zu numbers, the first is %g\n", count, (double)images[0]);
    else
        fprintf(stderr, "example: %s: %s\n", pdessm_status_text(status),
                ctx ? pdessm_context_error(ctx) : "no context");
    free(images); /* destroying in the order of making, backwards; NULL is fine */
    pdessm_model_destroy(&model);
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
    return pdessm_status_exit_code(status);
}
