/* SPDX-License-Identifier: MIT */
/* check.h: the operator harness. One body per operator draws a case; the harness runs it, forward
 * and backward, on a device, and judges it by the float64 oracle and by finite differences of it.
 *
 *   void check_gelu(check *c)                          tests/ops/gelu.c
 *   {
 *       int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 40)};
 *       check_input(c, 0, 2.0, 2, dims);               operand 0, normal numbers times 2
 *       check_run(c, reference_gelu);
 *   }
 *
 * Operands that are not set are absent (letters o, O) or made by the harness (outputs). */
#ifndef PDESSM_TESTS_CHECK_H
#define PDESSM_TESTS_CHECK_H

#include <stdint.h>

#include "device/op.h"

typedef struct check check;

/* What an oracle sees: every operand in double, NULL where absent. It writes the outputs (zeroed
 * before) and changes operands of letter m in place. */
typedef struct check_case {
    double *value[PDESSM_MAX_OPERANDS];
    int64_t dims[PDESSM_MAX_OPERANDS][PDESSM_MAX_RANK];
    int rank[PDESSM_MAX_OPERANDS];
    int64_t count[PDESSM_MAX_OPERANDS];
    double attribute[PDESSM_MAX_ATTRIBUTES];
} check_case;

typedef void (*check_oracle)(const check_case *k);

/* An extent in [least, most]: often the ends, 1, a power of two or one beside it. */
int64_t check_extent(check *c, int64_t least, int64_t most);
double check_uniform(check *c, double least, double most);
int check_coin(check *c); /* 0 or 1 */

/* Operand i: normal numbers times scale. Values are floats, so that device and oracle see the same.
 */
void check_input(check *c, int i, double scale, int rank, const int64_t *dims);
/* Operand i of letter i: whole numbers in [least, most]. */
void check_integers(check *c, int i, int64_t least, int64_t most, int rank, const int64_t *dims);
/* The numbers of operand i, to overwrite where a case needs special ones; rounded to float later.
 */
double *check_values(check *c, int i);
void check_attribute(check *c, int i, double value);

/* Additions behind one element of the result (default 8): sets the forward tolerance,
 * min(2e-5, 4 terms 2^-24) of the largest element; gradients get 10 times that, at most 2e-4. */
void check_terms(check *c, int64_t terms);
/* Widens both: for operators that amplify rounding, with the factor that theory gives. */
void check_condition(check *c, double factor);
/* Finite differences move operands by this times normal numbers (default 1e-5): less for operators
 * that bend sharply. */
void check_step(check *c, double step);

/* Runs the case; failures are counted and printed with a line that replays them. */
void check_run(check *c, check_oracle oracle);

/* One case: seeds the draws and runs the body; 1 if it failed. */
int check_case_run(pdessm_device *device, pdessm_op op, uint64_t seed, void (*body)(check *c));

#endif
