/* SPDX-License-Identifier: MIT */
/* cases.h: random valid calls of every operator, and the comparison of two devices on them. */
#ifndef PDESSM_CLI_VERIFY_CASES_H
#define PDESSM_CLI_VERIFY_CASES_H

#include "device/device.h"

struct cli;        /* cli.h */
struct cli_opcall; /* opcall.h */

/* How the numbers of an operand are drawn. */
typedef enum cli_fill {
    CLI_ABSENT,
    CLI_NORMAL,    /* normal, times scale */
    CLI_POSITIVE,  /* magnitudes of these */
    CLI_UNIT,      /* uniform on [0, scale) */
    CLI_INDEX,     /* int32, uniform on [0, scale) */
    CLI_STATE,     /* the optimiser's state after a good step */
    CLI_START,     /* int32, rows of a ring: node i is joined to i - scale / 2 .. i + scale / 2 */
    CLI_COLUMN,    /* their columns */
    CLI_REVERSE,   /* their reverse edges */
    CLI_DIFFUSION, /* rows (kyy, kxy, kxx) of positive definite matrices */
} cli_fill;

typedef struct cli_operand {
    cli_fill fill;
    double scale;
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
} cli_operand;

/* A call without its tensors; its numbers follow from the seed. */
typedef struct cli_case {
    pdessm_op op;
    uint64_t seed;
    uint32_t drawn; /* numbers taken from the seed's stream while the case was made */
    cli_operand operand[PDESSM_MAX_OPERANDS];
    double attribute[PDESSM_MAX_ATTRIBUTES];
    int64_t terms;    /* additions behind one element of the result */
    double condition; /* by which the operator amplifies rounding */
    int64_t period;   /* numbers of large operands repeat after so many; 0: never */
} cli_case;

/* Extents are biased to the ends of their range and to powers of two and their neighbours. */
void pdessm_cli_case_draw(pdessm_op op, uint64_t seed, cli_case *ret);

/* Operand i of a case that is made by hand. */
void pdessm_cli_case_set(cli_case *k, int i, cli_fill fill, double scale, int rank,
                         const int64_t *dims);
/* The same with the extents of another operand. */
void pdessm_cli_case_set_like(cli_case *k, int i, int other, cli_fill fill, double scale);
/* Normal numbers: PDESSM_CLI_CASE_NORMAL(k, X, rows, columns). */
#define PDESSM_CLI_CASE_NORMAL(k, i, ...)                                                          \
    pdessm_cli_case_set(k, i, CLI_NORMAL, 1,                                                       \
                        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                 \
                        (int64_t[]){__VA_ARGS__})

/* Operands start, column and reverse, from number i on, of a ring of nodes, each joined to itself
 * and to the nearest degree - 1 others; degree is odd. */
void pdessm_cli_case_set_ring(cli_case *k, int i, int64_t nodes, int64_t degree);

/* "x [3, 17] weight [5, 17]" */
typedef struct cli_case_text {
    char text[512];
} cli_case_text;
cli_case_text pdessm_cli_case_text(const cli_case *k);

/* The largest difference of two devices in one pass, relative to the largest element of the result
 * concerned, and what rounding in float32 may make of it: per addition and result 2^-24, four times
 * for the two orders of summation, ten times more for gradients, which chain two passes. */
typedef struct cli_error {
    double error, tolerance;
} cli_error;

/* Runs the case, forward and (where there is one) backward, on both devices. ret[pass]; without a
 * backward pass ret[1] is zero. */
pdessm_status pdessm_cli_case_compare(const cli_case *k, pdessm_device *device,
                                      pdessm_device *reference, cli_error ret[2]);

/* Runs it on one device, for what that leaves in the kernel cache. */
pdessm_status pdessm_cli_case_run(const cli_case *k, pdessm_device *device);

/* Operands of a call, filled as the case says, and room for its outputs. */
pdessm_status pdessm_cli_case_operands(const cli_case *k, struct cli_opcall *o);
/* What a backward pass needs besides: gradients of the outputs, drawn, and room for those of every
 * input that can have one. */
pdessm_status pdessm_cli_case_gradients(const cli_case *k, struct cli_opcall *o);

/* Plain C to compare a device with; when that is plain C too, the portable build of it. *ret_name,
 * which says so, lives as long as the run. */
pdessm_status pdessm_cli_reference_open(struct cli *c, const pdessm_device *device,
                                        pdessm_device **ret, const char **ret_name);

/* |a - b| at its largest over |b| at its largest; infinite when anything is not finite. */
double pdessm_cli_relative_error(const float *a, const float *b, int64_t count);

#endif
