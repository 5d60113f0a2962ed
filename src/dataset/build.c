/* SPDX-License-Identifier: MIT */
/* build.c: from the arrays of a file to a set of planar images of one size. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/convert.h"
#include "dataset/dataset.h"
#include "dataset/source.h"

/* Finds the axes. *ret_interleaved: channels come last. */
static pdessm_status find_extent(pdessm_context *ctx, const char *name, pdessm_layout layout,
                                 const pdessm_array *images, pdessm_image_extent *ret,
                                 int *ret_interleaved) {
    const int64_t *d = images->dims;
    if (images->type == PDESSM_ARRAY_INT64)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: holds integers wider than 8 bits; images are uint8 or float", name);
    if (images->rank != 3 && images->rank != 4)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: %d dimensions; images have 3 (n, height, width) or 4 (with "
                           "channels)",
                           name, images->rank);
    int last = 0;
    if (images->rank == 4) {
        if (layout == PDESSM_LAYOUT_AUTO && d[1] == d[3])
            return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                               "%s: cannot tell which axis is channels; give --layout nchw or "
                               "--layout nhwc",
                               name);
        last = layout == PDESSM_LAYOUT_NHWC || (layout == PDESSM_LAYOUT_AUTO && d[3] < d[1]);
    }
    *ret = images->rank == 3 ? (pdessm_image_extent){1, d[1], d[2]}
           : last            ? (pdessm_image_extent){d[3], d[1], d[2]}
                             : (pdessm_image_extent){d[1], d[2], d[3]};
    *ret_interleaved = last && ret->channels > 1;
    if (pdessm_array_count(images) == 0)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: holds no image", name);
    return PDESSM_OK;
}

static pdessm_status take_labels(pdessm_context *ctx, const char *name, int64_t images,
                                 pdessm_source *source, pdessm_dataset *set) {
    enum { MOST_CLASSES = 1000000 }; /* more is surely something else than a class */
    const pdessm_array *labels = &source->labels;
    int64_t most = source->num_classes ? source->num_classes : MOST_CLASSES, classes = 0;
    pdessm_status status = PDESSM_OK;
    if (!labels->data)
        return PDESSM_OK;
    PDESSM_REQUIRE(ctx, labels->rank == 1 && labels->type != PDESSM_ARRAY_FLOAT32,
                   PDESSM_ERROR_FILE, "%s: labels must be integers in one dimension", name);
    PDESSM_REQUIRE(ctx, labels->dims[0] == images, PDESSM_ERROR_FILE,
                   "%s: %lld labels for %lld images", name, (long long)labels->dims[0],
                   (long long)images);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)images, sizeof *set->labels, &set->labels));
    for (int64_t i = 0; i < images; i++) {
        int64_t label = labels->type == PDESSM_ARRAY_UINT8 ? ((const uint8_t *)labels->data)[i]
                                                           : ((const int64_t *)labels->data)[i];
        PDESSM_REQUIRE(ctx, label >= 0 && label < most, PDESSM_ERROR_FILE,
                       "%s: label %lld of image %lld; labels lie in 0 .. %lld", name,
                       (long long)label, (long long)i, (long long)most - 1);
        set->labels[i] = (int32_t)label;
        classes = label >= classes ? label + 1 : classes;
    }
    set->info.has_labels = 1;
    set->info.num_classes = source->num_classes ? source->num_classes : classes;
    set->names = source->names;
    set->info.class_names = (const char *const *)source->names;
    source->names = NULL;
out:
    return status;
}

/* Floats are used as is, which is only right if they are finite and, unless they are
 * latents, made for [-1, 1]. */
static pdessm_status check_floats(pdessm_context *ctx, const char *name, int is_latent,
                                  const pdessm_array *images) {
    const float *x = images->data;
    int64_t count = pdessm_array_count(images);
    float low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(x[i]))
            return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                               "%s: image %lld holds a value that is not finite", name,
                               (long long)(i / (count / images->dims[0])));
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    if (!is_latent && (low < -1 || high > 1 || low >= 0))
        pdessm_log(ctx, PDESSM_LOG_WARNING,
                   "%s: floats in [%g, %g] are used as is; images are expected in [-1, 1]", name,
                   (double)low, (double)high);
    return PDESSM_OK;
}

static pdessm_image_extent wanted_extent(const pdessm_dataset_options *options,
                                         pdessm_image_extent in) {
    if (options->channels > 0)
        in.channels = options->channels;
    if (options->height > 0) {
        in.height = options->height;
        in.width = options->width;
    }
    return in;
}

/* Converts the images one by one, or takes them over when there is nothing to convert. */
static pdessm_status take_images(pdessm_context *ctx, const char *name,
                                 const pdessm_dataset_options *options, pdessm_source *source,
                                 pdessm_dataset *set) {
    pdessm_status status;
    pdessm_array *images = &source->images;
    pdessm_converter *converter = NULL;
    pdessm_image_extent in, out;
    int interleaved = 0, is_float = images->type == PDESSM_ARRAY_FLOAT32;
    int64_t size = is_float ? (int64_t)sizeof(float) : 1;
    PDESSM_TRY(find_extent(ctx, name, source->layout, images, &in, &interleaved));
    if (is_float)
        PDESSM_TRY(check_floats(ctx, name, source->is_latent, images));
    int64_t count = images->dims[0];
    if (options->limit > 0 && options->limit < count)
        count = options->limit;
    out = wanted_extent(options, in);
    set->info = (pdessm_dataset_info){.count = count,
                                      .channels = out.channels,
                                      .height = out.height,
                                      .width = out.width,
                                      .is_float = is_float};
    if (!interleaved && !memcmp(&in, &out, sizeof in)) {
        set->pixels = images->data;
        images->data = NULL;
        goto out;
    }
    const int64_t dims[] = {count, out.channels, out.height, out.width};
    int64_t total = pdessm_extent_product(4, dims, (size_t)size);
    PDESSM_REQUIRE(ctx, total >= 0 && total <= options->max_bytes / size, PDESSM_ERROR_FILE,
                   "%s: %lld images of %lld x %lld x %lld need more memory than the limit of %lld "
                   "bytes; give a smaller --image-size or --limit",
                   name, (long long)count, (long long)out.channels, (long long)out.height,
                   (long long)out.width, (long long)options->max_bytes);
    PDESSM_TRY(pdessm_converter_create(ctx, name, options->resize, in, out, is_float, &converter));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)total, (size_t)size, &set->pixels));
    int64_t in_step = in.channels * in.height * in.width * size, out_step = total / count * size;
    for (int64_t i = 0; i < count; i++)
        pdessm_converter_run(converter, (const char *)images->data + i * in_step, interleaved,
                             (char *)set->pixels + i * out_step);
out:
    pdessm_converter_destroy(&converter);
    return status;
}

pdessm_status pdessm_dataset_build(pdessm_context *ctx, const char *name,
                                   const pdessm_dataset_options *options, pdessm_source *source,
                                   pdessm_dataset **ret) {
    pdessm_status status;
    pdessm_dataset *set = NULL;
    int64_t images = source->images.dims[0];
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *set, &set));
    PDESSM_TRY(take_images(ctx, name, options, source, set));
    PDESSM_TRY(take_labels(ctx, name, images, source, set));
    *ret = set;
    set = NULL;
out:
    pdessm_dataset_destroy(&set);
    return status;
}
