/* SPDX-License-Identifier: MIT */
/* landscape.c: every function, from one to many columns, over boxes as they are used. */
#include <math.h>

#include <pdessm/ops.h>

#include "check.h"
#include "landscape.h"

#define SAME(name)                                                                                 \
    _Static_assert((int)SHAPE_##name == (int)PDESSM_LANDSCAPE_##name, "plain C numbers differ")
SAME(SQUARE);
SAME(LOG);
SAME(RATIO);
SAME(ACKLEY);
SAME(RASTRIGIN);
SAME(GRIEWANK);
SAME(LEVY);
SAME(ALPINE1);
SAME(STYBLINSKI_TANG);
SAME(SCHWEFEL);
SAME(COUNT);

void check_landscape(check *c);
void reference_landscape(const check_case *c);

/* A kink has no derivative to compare with: Alpine1's terms meet zero at z = 0 and where sin z is
 * -0.1, Schwefel's second derivative jumps. Numbers near them are moved away. */
static double away_from_kinks(double z) {
    return fabs(z * (sin(z) + 0.1)) < 1e-2 ? z + 0.1 : z;
}

void check_landscape(check *c) {
    static const double scale[PDESSM_LANDSCAPE_COUNT] = {2, 0.5, 0.5, 8, 2, 80, 4, 4, 2, 150};
    int64_t function = check_extent(c, 0, PDESSM_LANDSCAPE_COUNT - 1);
    /* Griewank's product of many cosines is no number that a difference could be taken of. */
    int64_t most = function == PDESSM_LANDSCAPE_GRIEWANK ? 12 : 130;
    int64_t dims[] = {check_extent(c, 1, 40), check_extent(c, 1, most)};
    check_attribute(c, 0, (double)function);
    check_attribute(c, 1, check_uniform(c, 0.5, 2));
    check_attribute(c, 2, check_uniform(c, 0.2, 1));
    check_input(c, 0, scale[function], 2, dims);
    if (function == PDESSM_LANDSCAPE_ALPINE1)
        for (int64_t i = 0; i < dims[0] * dims[1]; i++)
            check_values(c, 0)[i] = away_from_kinks(check_values(c, 0)[i]);
    /* Elements reach 4 times their scale, and a sine's argument is rounded before it is taken. */
    check_terms(c, 64);
    check_condition(c, function == PDESSM_LANDSCAPE_GRIEWANK ? 8 : 2);
    check_run(c, reference_landscape);
}
