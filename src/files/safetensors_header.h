/* SPDX-License-Identifier: MIT */
/* safetensors_header.h: the JSON header of a safetensors file, parsed and verified. */
#ifndef PDESSM_FILES_SAFETENSORS_HEADER_H
#define PDESSM_FILES_SAFETENSORS_HEADER_H

#include <cjson/cJSON.h>

#include <pdessm/safetensors.h>

#include "core/context.h"

/* The format's own limit. */
#define PDESSM_SAFETENSORS_MAX_HEADER ((int64_t)100000000)

enum { PDESSM_EXTENT_TEXT = 24 * PDESSM_FILE_MAX_RANK };

/* "[2, 3, any]". */
void pdessm_extent_text(int rank, const int64_t *dims, char ret[PDESSM_EXTENT_TEXT]);

/* Parses the text after a look at its depth and length, so that the parser's memory is bounded. */
pdessm_status pdessm_safetensors_parse(pdessm_context *ctx, const char *name, const char *text,
                                       size_t length, cJSON **ret);

/* Verifies all of the header against the data_size bytes of data that follow it. The entries,
 * sorted by name, are released with free(); they and *ret_metadata (NULL when absent) point into
 * the header. */
pdessm_status pdessm_safetensors_check(pdessm_context *ctx, const char *name, const cJSON *header,
                                       const uint8_t *data, size_t data_size,
                                       pdessm_safetensors_entry **ret_entries, int64_t *ret_count,
                                       const cJSON **ret_metadata);

#endif
