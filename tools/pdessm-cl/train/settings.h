/* SPDX-License-Identifier: MIT */
/* settings.h: the settings of a run as options of `train`. */
#ifndef PDESSM_CLI_TRAIN_SETTINGS_H
#define PDESSM_CLI_TRAIN_SETTINGS_H

#include <pdessm/run.h>

#include "shared/options.h"

/* Reads all that a call of `train` says: defaults, then --config or the settings of --resume, then
 * the command line. Paths become absolute; ERROR_ARGUMENT for what is missing or does not go
 * together. *ret is released in any case. */
pdessm_status pdessm_cli_settings_read(cli *c, pdessm_run_settings *s);

#endif
