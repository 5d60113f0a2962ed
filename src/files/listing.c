/* SPDX-License-Identifier: MIT */
/* listing.c: the names in a folder, sorted. */
#define _GNU_SOURCE
#include "files/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static pdessm_status append(pdessm_context *ctx, pdessm_listing *listing, int64_t *space,
                            const char *name) {
    if (listing->count == *space) {
        int64_t more = *space ? *space * 2 : 64;
        char **bigger = realloc(listing->names, (size_t)more * sizeof *bigger);
        if (!bigger)
            return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: %lld file names",
                               (long long)more);
        listing->names = bigger;
        *space = more;
    }
    char *copy = strdup(name);
    if (!copy)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a file name");
    listing->names[listing->count++] = copy;
    return PDESSM_OK;
}

pdessm_status pdessm_listing_read(pdessm_context *ctx, const char *path, pdessm_listing *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_listing listing = {0};
    int64_t space = 0;
    DIR *folder = opendir(path);
    if (!folder)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: cannot list: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            PDESSM_TRY(append(ctx, &listing, &space, entry->d_name));
    if (listing.count > 0)
        qsort(listing.names, (size_t)listing.count, sizeof *listing.names, compare);
    *ret = listing;
    listing = (pdessm_listing){0};
out:
    closedir(folder);
    pdessm_listing_release(&listing);
    return status;
}

void pdessm_listing_release(pdessm_listing *listing) {
    for (int64_t i = 0; i < listing->count; i++)
        free(listing->names[i]);
    free(listing->names);
    *listing = (pdessm_listing){0};
}

int pdessm_listing_has(const pdessm_listing *listing, const char *name) {
    for (int64_t i = 0; i < listing->count; i++)
        if (!strcmp(listing->names[i], name))
            return 1;
    return 0;
}
