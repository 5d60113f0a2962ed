/* SPDX-License-Identifier: MIT */
/* folder.h: the folder of a run: a new one, or one to go on with. */
#ifndef PDESSM_CLI_TRAIN_FOLDER_H
#define PDESSM_CLI_TRAIN_FOLDER_H

#include "shared/cli.h"

/* resume: looks for the newest checkpoint; *ret_checkpoint is released with free(), and stays as it
 * is when there is none. Else makes the folder, which must not hold a run. */
pdessm_status pdessm_cli_train_folder(cli *c, const char *folder, int resume,
                                      char **ret_checkpoint);

#endif
