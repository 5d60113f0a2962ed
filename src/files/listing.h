/* SPDX-License-Identifier: MIT */
/* listing.h: the names in a folder, sorted. */
#ifndef PDESSM_FILES_LISTING_H
#define PDESSM_FILES_LISTING_H

#include "core/context.h"

/* All zero is empty and releasable. */
typedef struct pdessm_listing {
    char **names;
    int64_t count;
} pdessm_listing;

/* Every name that does not begin with a dot, in the order of its bytes. */
pdessm_status pdessm_listing_read(pdessm_context *ctx, const char *path, pdessm_listing *ret);
void pdessm_listing_release(pdessm_listing *listing);

int pdessm_listing_has(const pdessm_listing *listing, const char *name);

#endif
