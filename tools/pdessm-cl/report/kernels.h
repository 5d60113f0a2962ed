/* SPDX-License-Identifier: MIT */
/* kernels.h: the parts of the section on what the mixers have learned. */
#ifndef PDESSM_CLI_REPORT_KERNELS_H
#define PDESSM_CLI_REPORT_KERNELS_H

#include <pdessm/mixer_kernel.h>

#include "report.h"

/* The terms of one block of a PDE mixer: shifts, widths, and widths when the run began (start:
 * NULL where that is not known). */
pdessm_status pdessm_cli_report_terms(report *r, const pdessm_mixer_kernel *now,
                                      const pdessm_mixer_kernel *start);

/* |G| over wavenumbers, of a block that has a symbol. */
pdessm_status pdessm_cli_report_gain(report *r, const pdessm_mixer_kernel *k);

#endif
