/* SPDX-License-Identifier: MIT */
/* convert.c: one image of any layout to a planar image of the wanted size and channels. */
#include "dataset/convert.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/resize.h"

struct pdessm_converter {
    pdessm_image_extent in, out;
    int is_float;
    pdessm_resizer *resizer;
    void *planes; /* [in.channels, out.height, out.width] */
};

pdessm_status pdessm_converter_create(pdessm_context *ctx, const char *name, pdessm_resize resize,
                                      pdessm_image_extent in, pdessm_image_extent out, int is_float,
                                      pdessm_converter **ret) {
    pdessm_status status;
    pdessm_converter *converter = NULL;
    size_t size = is_float ? sizeof(float) : 1;
    PDESSM_REQUIRE(ctx,
                   in.channels == out.channels || (in.channels == 1 && out.channels == 3) ||
                       (in.channels == 3 && out.channels == 1),
                   PDESSM_ERROR_FILE,
                   "%s: has %lld channels, %lld were expected; --channels turns 1 into 3 and 3 "
                   "into 1 only",
                   name, (long long)in.channels, (long long)out.channels);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *converter, &converter));
    converter->in = in;
    converter->out = out;
    converter->is_float = is_float;
    PDESSM_TRY(pdessm_resizer_create(ctx, name, resize, in.height, in.width, out.height, out.width,
                                     &converter->resizer));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(in.channels * out.height * out.width), size,
                            &converter->planes));
    *ret = converter;
    converter = NULL;
out:
    pdessm_converter_destroy(&converter);
    return status;
}

void pdessm_converter_destroy(pdessm_converter **converter) {
    pdessm_converter *c = *converter;
    if (!c)
        return;
    pdessm_resizer_destroy(&c->resizer);
    free(c->planes);
    free(c);
    *converter = NULL;
}

static void to_gray(const pdessm_converter *c, int64_t plane, void *target) {
    const float red = 0.299f, green = 0.587f, blue = 0.114f;
    if (c->is_float) {
        const float *p = c->planes;
        float *to = target;
        for (int64_t i = 0; i < plane; i++)
            to[i] = red * p[i] + green * p[i + plane] + blue * p[i + 2 * plane];
        return;
    }
    const uint8_t *p = c->planes;
    uint8_t *to = target;
    for (int64_t i = 0; i < plane; i++)
        to[i] = (uint8_t)(red * p[i] + green * p[i + plane] + blue * p[i + 2 * plane] + 0.5f);
}

void pdessm_converter_run(pdessm_converter *converter, const void *source, int interleaved,
                          void *target) {
    const pdessm_converter *c = converter;
    int64_t plane = c->out.height * c->out.width;
    int64_t stride = interleaved ? c->in.channels : 1;
    int64_t step = interleaved ? 1 : c->in.height * c->in.width;
    size_t bytes = (size_t)plane * (c->is_float ? sizeof(float) : 1);
    for (int64_t i = 0; i < c->in.channels; i++) {
        if (c->is_float)
            pdessm_resizer_floats(c->resizer, (const float *)source + i * step, stride,
                                  (float *)c->planes + i * plane);
        else
            pdessm_resizer_bytes(c->resizer, (const uint8_t *)source + i * step, stride,
                                 (uint8_t *)c->planes + i * plane);
    }
    if (c->in.channels == 3 && c->out.channels == 1) {
        to_gray(c, plane, target);
        return;
    }
    for (int64_t i = 0; i < c->out.channels; i++)
        memcpy((char *)target + (size_t)i * bytes,
               (const char *)c->planes + (c->in.channels == 1 ? 0 : (size_t)i * bytes), bytes);
}
