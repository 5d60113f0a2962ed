/* SPDX-License-Identifier: MIT */
/* fingerprint.h: what long work depends on, in 64 bits: work is resumed only where they agree.
 * FNV-1a, which finds changes, not attacks. */
#ifndef PDESSM_MODEL_FINGERPRINT_H
#define PDESSM_MODEL_FINGERPRINT_H

#include <pdessm/data.h>

#include "model/maps/map.h"
#include "model/model.h"

enum { PDESSM_ORIGIN_TEXT = 512 };

static inline uint64_t pdessm_fingerprint(uint64_t hash, const void *bytes, size_t count) {
    const uint8_t *b = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x100000001b3u;
    return hash;
}

static const uint64_t PDESSM_FINGERPRINT_START = 0xcbf29ce484222325u;

/* Over all parameters. */
pdessm_status pdessm_fingerprint_model(pdessm_model *model, uint64_t *ret);
/* Over all images and labels. */
pdessm_status pdessm_fingerprint_data(pdessm_context *ctx, const pdessm_dataset *data,
                                      uint64_t *ret);
/* Over kind and arrays. */
uint64_t pdessm_fingerprint_map(const pdessm_precondition *map);

#endif
