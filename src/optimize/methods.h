/* SPDX-License-Identifier: MIT */
/* methods.h: the methods of optimisation. Each starts at x, evaluates through
 * pdessm_search_evaluate(), which counts and keeps the best point, and returns when it has ended.
 */
#ifndef PDESSM_OPTIMIZE_METHODS_H
#define PDESSM_OPTIMIZE_METHODS_H

#include "optimize/search.h"

pdessm_status pdessm_search_homotopy(pdessm_search *s, double *x);
pdessm_status pdessm_search_descend(pdessm_search *s, double *x); /* gd */
pdessm_status pdessm_search_adam(pdessm_search *s, double *x);
pdessm_status pdessm_search_anneal(pdessm_search *s, double *x);
pdessm_status pdessm_search_cmaes(pdessm_search *s, double *x); /* both kinds */
/* One descent, until it has converged or the budget is spent; x becomes its end. */
pdessm_status pdessm_search_lbfgs(pdessm_search *s, double *x);
/* Such descents until the budget is spent. */
pdessm_status pdessm_search_lbfgs_restart(pdessm_search *s, double *x);

#endif
