/* SPDX-License-Identifier: MIT */
/* cifar.h: the binary version of CIFAR-10 and CIFAR-100. */
#ifndef PDESSM_FILES_CIFAR_H
#define PDESSM_FILES_CIFAR_H

#include "files/array.h"

/* Whether the bytes can be CIFAR records: 10 or 100 classes, or 0 for neither. */
int pdessm_cifar_classes(const uint8_t *data, size_t size);

/* Decodes one batch. Images are uint8 [n, 3, 32, 32], labels (the fine ones) uint8 [n]. */
pdessm_status pdessm_cifar_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                  size_t size, int64_t max_bytes, pdessm_array *ret_images,
                                  pdessm_array *ret_labels);

#endif
