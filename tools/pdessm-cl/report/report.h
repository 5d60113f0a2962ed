/* SPDX-License-Identifier: MIT */
/* report.h: one run as `report` sees it, and the parts of its page. */
#ifndef PDESSM_CLI_REPORT_REPORT_H
#define PDESSM_CLI_REPORT_REPORT_H

#include <pdessm/pdessm.h>
#include <pdessm/run.h>

#include "files/pictures.h"
#include "shared/chart.h"
#include "shared/options.h"
#include "shared/page.h"

typedef struct report {
    cli *c;
    const char *run, *out;
    int64_t n, steps;
    pdessm_solver solver;
    double guidance; /* < 0: as the run was trained */
    int no_samples;

    pdessm_run_log log, accuracy; /* accuracy: no rows unless the run has accuracy.csv */
    pdessm_run_settings settings;
    int has_settings;                    /* config.yaml could be read */
    const char *checkpoint, *model_file; /* NULL: none yet */
    const char *without_model;           /* why, when there is none */
    pdessm_model *model;
    const char *without_samples;
    pdessm_pictures samples;
    int64_t evaluations;
    /* The first images that the run was trained on, [real_count, channels, height, width]. */
    int64_t real_count;
    float *real;
    int32_t *real_labels;
    const char *without_data; /* why there are none */
    cli_page page;
} report;

/* Each prints its sections; those that fail say so through their status. */
pdessm_status pdessm_cli_report_curves(report *r);
pdessm_status pdessm_cli_report_history(report *r);
pdessm_status pdessm_cli_report_samples(report *r);
pdessm_status pdessm_cli_report_kernels(report *r);
pdessm_status pdessm_cli_report_spectra(report *r);
pdessm_status pdessm_cli_report_map(report *r);
pdessm_status pdessm_cli_report_settings(report *r);

/* Reads the data that config.yaml names. A run whose data are elsewhere now has a page too. */
pdessm_status pdessm_cli_report_read_data(report *r);

/* Energy spectrum of images of the model's size: pdessm_spectrum_rings() numbers. */
pdessm_status pdessm_cli_report_spectrum(report *r, int64_t count, const float *images,
                                         double *ret);

/* Draws the images for samples and spectra, with the averaged weights. */
pdessm_status pdessm_cli_report_draw(report *r);

#endif
