/* SPDX-License-Identifier: MIT */
/* cache_folder.h: where the library keeps what it can make again: compiled kernels, tuning. */
#ifndef PDESSM_FILES_CACHE_FOLDER_H
#define PDESSM_FILES_CACHE_FOLDER_H

#include <stddef.h>

/* DIR or, if child is not "", DIR/child; DIR is PDESSM_CACHE_DIR, else XDG_CACHE_HOME/pdessm-cl,
 * else ~/.cache/pdessm-cl. 0 when none of them is set or the name is too long. */
int pdessm_cache_folder(const char *child, char *ret, size_t size);

/* Makes a folder and those above it; 0 when it cannot be, errno says why. */
int pdessm_cache_folder_make(const char *path);

#endif
