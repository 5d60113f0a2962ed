/* SPDX-License-Identifier: MIT */
/* paths.h: folders, and what people mean by "the model". */
#ifndef PDESSM_CLI_SHARED_PATHS_H
#define PDESSM_CLI_SHARED_PATHS_H

#include <pdessm/pdessm.h>

#include "cli.h"
#include "files/atomic_dir.h"
#include "files/atomic_file.h"
#include "files/file.h"

/* The safetensors file that a name means: the file itself, the averaged weights of a checkpoint
 * folder, or those of the newest checkpoint of a run. */
pdessm_status pdessm_cli_find_model(cli *c, const char *path, const char **ret_file);

/* Refuses a model that was trained for something else; `file` opens the message. */
pdessm_status pdessm_cli_expect_task(cli *c, const pdessm_model *model, const char *file,
                                     pdessm_model_task task);

/* A run keeps the names of its classes in RUN/classes.txt, one a line. */
enum { PDESSM_CLI_CLASS_NAMES = 4096 };
pdessm_status pdessm_cli_write_class_names(cli *c, const char *run,
                                           const pdessm_dataset_info *info);
/* Names of the classes of a model file, found beside or above it, else their numbers. */
const char *const *pdessm_cli_class_names(cli *c, const char *model_file, int count);

/* So many images are drawn anew after an interruption rather than kept on the way. */
enum { PDESSM_CLI_PART = 512 };

#endif
