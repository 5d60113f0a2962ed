/* SPDX-License-Identifier: MIT */
/* research.h: everything that is research: global optimisation, its test problems, diagnostics.
 * RESEARCH: all of it may change between versions. */
#ifndef PDESSM_RESEARCH_H
#define PDESSM_RESEARCH_H

#include <pdessm/diagnostics.h>
#include <pdessm/mixer_kernel.h>
#include <pdessm/optimize.h>
#include <pdessm/problems.h>

#endif
