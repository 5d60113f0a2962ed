/* SPDX-License-Identifier: MIT */
/* neighbours.h: the nearest of many points, and graphs that join them. */
#ifndef PDESSM_GRAPHS_NEIGHBOURS_H
#define PDESSM_GRAPHS_NEIGHBOURS_H

#include <stdint.h>

#include "core/watch.h"

/* For each of n points x [n, d] the k < n nearest others, nearest first, of equally near ones those
 * of lower number; distances in float64, so that integers of up to 26 bits are compared exactly.
 * ret [n, k]. */
pdessm_status pdessm_neighbours(pdessm_context *ctx, int64_t n, int64_t d, const float *x, int k,
                                const pdessm_watch *watch, int32_t *ret);

/* The same, kept in a file of the cache folder whose name holds `name` and a hash of all that the
 * answer depends on. A file that cannot be used is made again, one that cannot be written is a
 * warning. */
pdessm_status pdessm_neighbours_cached(pdessm_context *ctx, const char *name, int64_t n, int64_t d,
                                       const float *x, int k, const pdessm_watch *watch,
                                       int32_t *ret);

#endif
