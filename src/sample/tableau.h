/* SPDX-License-Identifier: MIT */
/* tableau.h: explicit Runge-Kutta methods as tables. Stage i evaluates the velocity at time t + c_i
 * h and state x + h sum_j a_ij k_j; the step is x + h sum_i b_i k_i.
 *
 * The room `sample` draws images: it integrates the flow of a model from noise to data by these
 * methods, in batches, resumable. It knows models, and nothing of training. */
#ifndef PDESSM_SAMPLE_TABLEAU_H
#define PDESSM_SAMPLE_TABLEAU_H

#include <pdessm/sample.h>

enum { PDESSM_MOST_STAGES = 7 };

typedef struct pdessm_tableau {
    int stages;
    double c[PDESSM_MOST_STAGES];
    double a[PDESSM_MOST_STAGES][PDESSM_MOST_STAGES];
    double b[PDESSM_MOST_STAGES];
    /* b minus the weights of the embedded method of lower order; all 0: fixed steps only. */
    double e[PDESSM_MOST_STAGES];
    int order;         /* of the step */
    int last_is_first; /* the last stage is the next step's first */
} pdessm_tableau;

const pdessm_tableau *pdessm_tableau_of(pdessm_solver solver);

#endif
