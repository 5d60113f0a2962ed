/* SPDX-License-Identifier: MIT */
/* report.h: one run as `report` sees it, and the parts of its page. */
#ifndef PDESSM_CLI_REPORT_H
#define PDESSM_CLI_REPORT_H

#include <pdessm/pdessm.h>

#include "chart.h"
#include "page.h"
#include "pictures.h"
#include "report_csv.h"
#include "train_settings.h"

typedef struct report {
    cli *c;
    const char *run, *out;
    int64_t n, steps;
    const char *solver;
    double guidance; /* < 0: as the run was trained */
    int no_samples;

    cli_csv log, accuracy; /* accuracy: no rows unless the run has accuracy.csv */
    cli_settings settings;
    int has_settings;                    /* config.yaml could be read */
    const char *checkpoint, *model_file; /* NULL: none yet */
    const char *without_model;           /* why, when there is none */
    pdessm_model *model;
    const char *without_samples;
    cli_pictures samples;
    int64_t evaluations;
    cli_page page;
} report;

/* Each prints its sections; those that fail say so through their status. */
pdessm_status pdessm_cli_report_curves(report *r);
pdessm_status pdessm_cli_report_history(report *r);
pdessm_status pdessm_cli_report_samples(report *r);
pdessm_status pdessm_cli_report_kernels(report *r);
pdessm_status pdessm_cli_report_spectra(report *r);
pdessm_status pdessm_cli_report_settings(report *r);

/* Draws the images for samples and spectra, with the averaged weights. */
pdessm_status pdessm_cli_report_draw(report *r);

#endif
