/* SPDX-License-Identifier: MIT */
/* check.h: every operator against its float64 oracle. The harness (src/verify/verify.h) draws a
 * hostile case; this runs it, forward and backward, on a device, with guards around every buffer,
 * and judges it by the oracle and by finite differences of it. tests/ops/NAME.c holds
 *
 *   static void oracle(const check_case *c) ..          the definition, straight
 *   static void edges(check *c) ..                      special numbers, where there are any
 *   const check_operator check_NAME = {oracle, edges};
 */
#ifndef PDESSM_TESTS_CHECK_H
#define PDESSM_TESTS_CHECK_H

#include <stdint.h>

#include "verify/verify.h"

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

typedef struct check_operator {
    void (*oracle)(const check_case *c);
    void (*edges)(check *c); /* called when the case is drawn; or NULL */
} check_operator;

/* ------------------------------------------------------------------ for edges() */

/* The case, of which attributes, terms, condition and step may still be changed. */
pdessm_case *check_drawn(check *c);
/* The numbers of operand i, to overwrite; they are rounded to float later. */
double *check_values(check *c, int i);
int64_t check_count(const check *c, int i);

double check_uniform(check *c, double least, double most);
int check_coin(check *c); /* 0 or 1 */

/* ------------------------------------------------------------------ for check_main.c */

/* One case of an operator; 1 if it failed, which is printed with a line that replays it. */
int check_case_run(pdessm_device *device, pdessm_op op, uint64_t seed, const check_operator *what);

#endif
