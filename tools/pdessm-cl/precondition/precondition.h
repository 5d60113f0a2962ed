/* SPDX-License-Identifier: MIT */
/* precondition.h: what `precondition report` is asked for, and its parts. */
#ifndef PDESSM_CLI_PRECONDITION_PRECONDITION_H
#define PDESSM_CLI_PRECONDITION_PRECONDITION_H

#include <pdessm/diagnostics.h>
#include <pdessm/fit.h>

#include "shared/options.h"

/* What `precondition report` is asked for; nothing is owned. */
typedef struct cli_precondition_report {
    pdessm_dataset *data;
    const char *data_name;
    pdessm_precondition *map; /* NULL: the data alone */
    const char *model;        /* a model, or a run with checkpoints; NULL: none */
    const char *out;          /* folder */
    int64_t n;                /* images drawn for the recovery; 0: none */
} cli_precondition_report;

enum { CLI_PRECONDITION_BANDS = 8, CLI_PRECONDITION_STEPS = 256 };

/* Velocity error by eigenvalues after one step of a run. */
typedef struct cli_precondition_bands {
    int64_t step;
    pdessm_band band[CLI_PRECONDITION_BANDS];
} cli_precondition_bands;

/* Moves the cli_progress that user points at; nonzero once the user has interrupted. */
int pdessm_cli_precondition_show(void *user, double share);

/* A set taken through a map, with a progress bar. */
pdessm_status pdessm_cli_precondition_map_data(cli *c, pdessm_precondition *map,
                                               pdessm_dataset *data, pdessm_dataset **ret);

/* Draws n images (guidance 1) and finds their variance along each row of vectors, the eigenvectors
 * of the unmapped data: [channels height width]. *ret_recovery: the sum over the lowest quarter of
 * the eigenvalues by that of the data; not a number when fewer images than pixels leave none there.
 */
pdessm_status pdessm_cli_precondition_recovery(cli *c, pdessm_model *model, pdessm_dataset *data,
                                               const double *values, const double *vectors,
                                               int64_t n, double *ret_variance,
                                               double *ret_recovery);

/* Writes OUT/{condition,eigenvalues,summary,bands,recovery}.csv and report.html, and prints a
 * summary. */
pdessm_status pdessm_cli_precondition_report(cli *c, const cli_precondition_report *asked);

#endif
