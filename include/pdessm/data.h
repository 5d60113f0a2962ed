/* SPDX-License-Identifier: MIT */
/* data.h: sets of images, with or without labels, from the formats that people have. */
#ifndef PDESSM_DATA_H
#define PDESSM_DATA_H

#include <stdint.h>

#include <pdessm/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_dataset pdessm_dataset;

#define PDESSM_SPLITS(X) X(TRAIN, "train") X(TEST, "test")
typedef enum pdessm_split {
#define X(id, name) PDESSM_SPLIT_##id,
    PDESSM_SPLITS(X)
#undef X
} pdessm_split;
PDESSM_API const char *pdessm_split_name(pdessm_split value);
PDESSM_API pdessm_status pdessm_split_find(pdessm_context *ctx, const char *name,
                                           pdessm_split *ret);

/* What to do with an image that is not of the size asked for. */
#define PDESSM_RESIZES(X)                                                                          \
    X(ERROR, "error")    /* refuse it */                                                           \
    X(STRETCH, "resize") /* stretch to the size; the aspect ratio is not kept */                   \
    X(PAD, "pad")        /* a border around it (black; latents: zero); larger ones are refused */  \
    X(CROP, "crop")      /* scale until it covers the size, then cut the centre out */
typedef enum pdessm_resize {
#define X(id, name) PDESSM_RESIZE_##id,
    PDESSM_RESIZES(X)
#undef X
} pdessm_resize;
PDESSM_API const char *pdessm_resize_name(pdessm_resize value);
PDESSM_API pdessm_status pdessm_resize_find(pdessm_context *ctx, const char *name,
                                            pdessm_resize *ret);

/* Order of axes of a four-dimensional .npy or .npz array. */
#define PDESSM_LAYOUTS(X)                                                                          \
    X(AUTO, "auto") /* the smaller of the second and the last extent is channels */                \
    X(NCHW, "nchw")                                                                                \
    X(NHWC, "nhwc")
typedef enum pdessm_layout {
#define X(id, name) PDESSM_LAYOUT_##id,
    PDESSM_LAYOUTS(X)
#undef X
} pdessm_layout;
PDESSM_API const char *pdessm_layout_name(pdessm_layout value);
PDESSM_API pdessm_status pdessm_layout_find(pdessm_context *ctx, const char *name,
                                            pdessm_layout *ret);

/* All zero is a good start: the training split, every image, as is. */
typedef struct pdessm_dataset_options {
    pdessm_split split;
    int64_t height, width; /* 0: as the images are; both or none */
    pdessm_resize resize;
    int channels; /* 0: as the images are; 1 and 3 convert colour to gray and back */
    pdessm_layout layout;
    int64_t limit;     /* 0: all; else the first `limit`. For `shapes` the number drawn */
    uint64_t seed;     /* of `shapes` */
    int64_t max_bytes; /* most memory for decoded images; 0: 8 GiB */
} pdessm_dataset_options;

typedef struct pdessm_dataset_info {
    int64_t count, channels, height, width;
    int is_float; /* 0: 8 bits a channel; 1: float32 as found in the file */
    int has_labels;
    int64_t num_classes;            /* 0 without labels */
    const char *const *class_names; /* num_classes strings; NULL when the data has no names */
} pdessm_dataset_info;

/* Opens a set of images and decodes all of it. `spec` is `shapes` (drawn figures), `fashion-mnist`
 * (Debian's package dataset-fashion-mnist), or a path, judged by content: a folder with IDX files
 * (train-images-idx3-ubyte[.gz] ..), with CIFAR-10 or -100 binary batches, or with PNG and JPEG
 * files, one subfolder a class; or one IDX, CIFAR, .npy, .npz or .safetensors file. A folder with
 * subfolders `train` and `test` (or `val`) is split by them. Transparent pixels of a PNG are laid
 * over white. options may be NULL. */
PDESSM_API pdessm_status pdessm_dataset_open(pdessm_context *ctx, const char *spec,
                                             const pdessm_dataset_options *options,
                                             pdessm_dataset **ret);

/* Accepts NULL, nulls the handle. */
PDESSM_API void pdessm_dataset_destroy(pdessm_dataset **dataset);

PDESSM_API const pdessm_dataset_info *pdessm_dataset_get_info(const pdessm_dataset *dataset);

/* Writes image number index (0 <= index < count) to ret [channels, height, width]: 8-bit images in
 * [-1, 1], float data as is. */
PDESSM_API void pdessm_dataset_image(const pdessm_dataset *dataset, int64_t index, float *ret);

/* The label in [0, num_classes) of image number index; -1 without labels. */
PDESSM_API int32_t pdessm_dataset_label(const pdessm_dataset *dataset, int64_t index);

/* All pixels, planar: [count, channels, height, width]; uint8_t, or float when is_float. */
PDESSM_API const void *pdessm_dataset_pixels(const pdessm_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
