/* SPDX-License-Identifier: MIT */
/* paths.h: folders, and what people mean by "the model". */
#ifndef PDESSM_CLI_SHARED_PATHS_H
#define PDESSM_CLI_SHARED_PATHS_H

#include <pdessm/run.h>

#include "cli.h"
#include "files/atomic_dir.h"
#include "files/atomic_file.h"
#include "files/file.h"

/* The file that a path means as a model, see pdessm_run_find_model(). */
pdessm_status pdessm_cli_find_model(cli *c, const char *path, const char **ret_file);

/* Loads it onto the open device and refuses one that was trained for something else. */
pdessm_status pdessm_cli_load_model(cli *c, const char *path, pdessm_model_task task,
                                    const char **ret_file, pdessm_model **ret);

/* Names of the classes of a model file, found beside or above it, else their numbers. */
const char *const *pdessm_cli_class_names(cli *c, const char *model_file, int count);

/* At most this many images are drawn again after an interruption rather than kept on the way. */
enum { PDESSM_CLI_PART = 512 };

#endif
