/* SPDX-License-Identifier: MIT */
/* reflow.h: `train --reflow`: the pairs of noise and image that a model makes, as data. */
#ifndef PDESSM_CLI_TRAIN_REFLOW_H
#define PDESSM_CLI_TRAIN_REFLOW_H

#include "settings.h"
#include "shared/cli.h"

typedef struct cli_reflow {
    const char *file;     /* of the model that draws; NULL when it is not needed any more */
    const char *pairs;    /* RUN/pairs.safetensors */
    pdessm_config config; /* of the model that draws, or of the run's checkpoint */
    const char *const *class_names; /* config.num_classes of them */
} cli_reflow;

/* Draws what is missing of the pairs, with a bar; the folder is there. checkpoint: NULL, or the
 * one that the run goes on from, which is asked instead of the model once all pairs are there. */
pdessm_status pdessm_cli_reflow(cli *c, const pdessm_run_settings *s, const char *folder,
                                const char *checkpoint, cli_reflow *ret);

#endif
