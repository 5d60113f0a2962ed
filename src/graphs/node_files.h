/* SPDX-License-Identifier: MIT */
/* node_files.h: graphs with classes out of files. */
#ifndef PDESSM_GRAPHS_NODE_FILES_H
#define PDESSM_GRAPHS_NODE_FILES_H

#include "graphs/node_set.h"

/* `path` is an .npz file or a folder, as pdessm_node_set_open() describes them. Arrays that take
 * more than max_bytes are refused before memory is taken for them. */
pdessm_status pdessm_node_set_read(pdessm_context *ctx, const char *path, uint64_t seed,
                                   int64_t max_bytes, pdessm_node_set **ret);

/* An .npz file that is in memory. */
pdessm_status pdessm_node_set_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                     size_t size, uint64_t seed, int64_t max_bytes,
                                     pdessm_node_set **ret);

#endif
