/* SPDX-License-Identifier: MIT */
/* cifar.c: records of a label (CIFAR-100: coarse, then fine) and 3 x 32 x 32 bytes, planar. */
#include "files/cifar.h"

#include <string.h>

enum { PIXELS = 3 * 32 * 32 };

/* There is no magic number, so a file is CIFAR if its size is whole records and every label is in
 * range. */
static int has_records(const uint8_t *data, size_t size, size_t labels, int coarse, int fine) {
    size_t record = PIXELS + labels;
    if (size == 0 || size % record != 0)
        return 0;
    for (size_t at = 0; at < size; at += record)
        if (data[at + labels - 1] >= fine || (labels == 2 && data[at] >= coarse))
            return 0;
    return 1;
}

int pdessm_cifar_classes(const uint8_t *data, size_t size) {
    if (has_records(data, size, 1, 0, 10))
        return 10;
    return has_records(data, size, 2, 20, 100) ? 100 : 0;
}

pdessm_status pdessm_cifar_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                  size_t size, int64_t max_bytes, pdessm_array *ret_images,
                                  pdessm_array *ret_labels) {
    pdessm_status status;
    int classes = pdessm_cifar_classes(data, size);
    size_t skip = classes == 100 ? 2 : 1, record = PIXELS + skip;
    int64_t count = (int64_t)(size / record);
    pdessm_array images = {.rank = 4, .dims = {count, 3, 32, 32}};
    pdessm_array labels = {.rank = 1, .dims = {count}};
    PDESSM_REQUIRE(ctx, classes, PDESSM_ERROR_FILE,
                   "%s: not CIFAR: %zu bytes are not whole records of 3073 (CIFAR-10) or 3074 "
                   "(CIFAR-100) bytes with labels in range",
                   name, size);
    PDESSM_REQUIRE(ctx, count * PIXELS <= max_bytes, PDESSM_ERROR_FILE,
                   "%s: needs %lld bytes of memory, the limit is %lld", name,
                   (long long)count * PIXELS, (long long)max_bytes);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, PIXELS, &images.data));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, 1, &labels.data));
    for (int64_t i = 0; i < count; i++, data += record) {
        ((uint8_t *)labels.data)[i] = data[skip - 1];
        memcpy((uint8_t *)images.data + i * PIXELS, data + skip, PIXELS);
    }
    *ret_images = images;
    *ret_labels = labels;
    images.data = labels.data = NULL;
out:
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    return status;
}
