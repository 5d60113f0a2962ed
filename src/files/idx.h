/* SPDX-License-Identifier: MIT */
/* idx.h: the format of MNIST and its kin. */
#ifndef PDESSM_FILES_IDX_H
#define PDESSM_FILES_IDX_H

#include "files/array.h"

/* Whether the bytes begin as an IDX file does. */
int pdessm_is_idx(const uint8_t *data, size_t size);

/* Decodes an IDX file (not compressed) of any element type. */
pdessm_status pdessm_idx_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret);

#endif
