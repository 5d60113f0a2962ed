/* SPDX-License-Identifier: MIT */
/* memory.h: what a command would need, looked at before it takes it. */
#ifndef PDESSM_CLI_SHARED_MEMORY_H
#define PDESSM_CLI_SHARED_MEMORY_H

#include <pdessm/pdessm.h>

#include "cli.h"

/* Does drawing `batch` images of this size at once fit into the device? */
pdessm_status pdessm_cli_check_sampling(cli *c, const pdessm_model *model, int64_t height,
                                        int64_t width, int guided, int64_t batch);

/* Does running a classifier on `batch` images at once? */
pdessm_status pdessm_cli_check_classifying(cli *c, const pdessm_model *model, int64_t batch);

/* Does so much fit into the memory of this machine? ERROR_MEMORY says what it was for ("10 images
 * and their metrics") and what to do ("ask for fewer with --n"). */
pdessm_status pdessm_cli_check_host(cli *c, double bytes, const char *what, const char *advice);

#endif
