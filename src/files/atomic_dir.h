/* SPDX-License-Identifier: MIT */
/* atomic_dir.h: folders that appear whole or not at all: checkpoints. */
#ifndef PDESSM_FILES_ATOMIC_DIR_H
#define PDESSM_FILES_ATOMIC_DIR_H

#include "core/context.h"

/* A folder under way, PATH.tmp-PID beside its final place. */
typedef struct pdessm_atomic_dir pdessm_atomic_dir;

/* Makes the temporary folder (the parent must exist); a stale one of the same name is removed. */
pdessm_status pdessm_atomic_dir_create(pdessm_context *ctx, const char *path,
                                       pdessm_atomic_dir **ret);

/* Where the contents are to be written. */
const char *pdessm_atomic_dir_path(const pdessm_atomic_dir *directory);

/* Syncs every file, writes the marker `complete`, and renames the folder into place. An older
 * folder of that name is swapped out whole, then removed. */
pdessm_status pdessm_atomic_dir_publish(pdessm_atomic_dir *directory);

/* Accepts NULL, nulls the handle. A folder that was not published is removed. */
void pdessm_atomic_dir_destroy(pdessm_atomic_dir **directory);

/* Whether path is a folder that was published: whether it holds the marker. */
int pdessm_dir_is_complete(const char *path);

/* Removes a file or a folder with all that is in it; never follows links. Absent is fine. */
pdessm_status pdessm_remove_tree(pdessm_context *ctx, const char *path);

#endif
