/* SPDX-License-Identifier: MIT */
/* case.h: a valid call of an operator without its tensors: what extents and attributes it has, how
 * its numbers are drawn, and how exactly its result can be known. Every operator draws its own
 * (`draw` of its descriptor); src/verify runs, compares and times them. */
#ifndef PDESSM_OPS_CASE_H
#define PDESSM_OPS_CASE_H

#include "device/op.h"

/* What a case is drawn for. */
typedef enum pdessm_case_kind {
    /* Correctness: small random extents of all kinds: 1, primes, powers of two and their
     * neighbours, lines longer than a block; optional operands there or not; attributes at their
     * ends. */
    PDESSM_CASE_HOSTILE,
    /* Speed: the call as a network of the given size makes it. Nothing but its numbers is random.
     */
    PDESSM_CASE_NETWORK,
} pdessm_case_kind;

typedef struct pdessm_case_size {
    pdessm_case_kind kind;
    /* Of a network: images, grid of tokens, channels, and outputs of linear. */
    int64_t batch, height, width, channels, outputs;
} pdessm_case_size;

/* How the numbers of an operand are drawn. */
typedef enum pdessm_fill {
    PDESSM_FILL_NONE,     /* an absent operand, or an output */
    PDESSM_FILL_NORMAL,   /* offset + scale n, n normal */
    PDESSM_FILL_POSITIVE, /* offset + |scale n| */
    /* offset + scale u, u uniform on [0, 1). The first u of a hostile case is 0, 1/2 or 1. */
    PDESSM_FILL_UNIFORM,
    PDESSM_FILL_INDEX,     /* int32: whole numbers from offset to offset + scale - 1 */
    PDESSM_FILL_STATE,     /* the optimiser's state; that of a network follows a good step */
    PDESSM_FILL_MOMENTS,   /* [2, n]: n normal numbers, n positive ones */
    PDESSM_FILL_DIFFUSION, /* rows (kyy, kxy, kxx) of positive definite matrices */
    PDESSM_FILL_START,     /* int32: the case's pattern in compressed rows, */
    PDESSM_FILL_COLUMN,    /* its columns */
    PDESSM_FILL_REVERSE,   /* and its reverse edges */
} pdessm_fill;

typedef struct pdessm_case_operand {
    pdessm_fill fill;
    double scale, offset;
    double grid; /* > 0: numbers are rounded down to multiples of it before the offset is added */
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
} pdessm_case_operand;

/* A symmetric pattern of edges. */
typedef struct pdessm_case_pattern {
    int64_t nodes;
    int64_t degree; /* a ring: each node is joined to itself and the degree - 1 nearest others */
    double chance;  /* degree 0: each pair is joined with this chance, the first and last always */
} pdessm_case_pattern;
enum { PDESSM_CASE_MOST_NODES = 64 }; /* of a pattern that is drawn pair by pair */

typedef struct pdessm_case {
    pdessm_op op;
    pdessm_case_kind kind;
    uint64_t seed;  /* all numbers follow from it */
    uint32_t drawn; /* taken from the seed's streams while the case was made */
    pdessm_case_operand operand[PDESSM_MAX_OPERANDS];
    double attribute[PDESSM_MAX_ATTRIBUTES];
    pdessm_case_pattern pattern;
    int64_t terms;    /* additions behind one element of the result (8) */
    double condition; /* by which the operator amplifies rounding, as theory has it (1) */
    double step;      /* of finite differences, times normal numbers: less for operators that bend
                         sharply (1e-5) */
    int copied;       /* the operand whose copy its time is compared with (0) */
    int64_t period;   /* numbers of large operands repeat after as many; 0: never */
} pdessm_case;

/* Draws a case of an operator; size NULL: a hostile one. */
void pdessm_case_draw(pdessm_op op, const pdessm_case_size *size, uint64_t seed, pdessm_case *ret);

/* "x [3, 17] weight [5, 17]" */
typedef struct pdessm_case_text {
    char text[512];
} pdessm_case_text;
pdessm_case_text pdessm_case_describe(const pdessm_case *k);

/* ------------------------------------------------------------------ for draw() of an operator */

/* What a network has, or in a hostile case a random one in [least, most]: an extent, biased to the
 * ends, to powers of two and to their neighbours; a whole number; a real one, which is a float. */
int64_t pdessm_draw_extent(pdessm_case *k, int64_t network, int64_t least, int64_t most);
int64_t pdessm_draw_whole(pdessm_case *k, int64_t network, int64_t least, int64_t most);
double pdessm_draw_real(pdessm_case *k, double network, double least, double most);
int pdessm_draw_coin(pdessm_case *k, int network); /* 0 or 1 */

void pdessm_case_set(pdessm_case *k, int i, pdessm_fill fill, double scale, int rank,
                     const int64_t *dims);
/* The same with the extents of another operand. */
void pdessm_case_set_like(pdessm_case *k, int i, int other, pdessm_fill fill, double scale);
/* Operand i of the extents that follow: PDESSM_SET(k, X, NORMAL, 1, rows, channels). */
#define PDESSM_SET(k, i, fill, scale, ...)                                                         \
    pdessm_case_set(k, i, PDESSM_FILL_##fill, scale,                                               \
                    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                     \
                    (int64_t[]){__VA_ARGS__})

/* Operand i of normal numbers: [B, N, C] of a network, else 1 to most_rank extents. */
void pdessm_case_set_any(pdessm_case *k, const pdessm_case_size *size, int i, double scale,
                         int most_rank);
/* Operand i as the optimiser has it: all the numbers of [B, N, C] in a line. */
void pdessm_case_set_flat(pdessm_case *k, const pdessm_case_size *size, int i, pdessm_fill fill,
                          double scale);
/* Operands start, column and reverse, from number i on, of this pattern. Returns its edges. */
int64_t pdessm_case_set_pattern(pdessm_case *k, int i, pdessm_case_pattern pattern);

static inline int64_t pdessm_case_tokens(const pdessm_case_size *size) {
    return size->height * size->width;
}

/* Channels of the images that patches of 2 x 2 are cut from, so that a patch has C numbers. */
static inline int64_t pdessm_case_image_channels(const pdessm_case_size *size) {
    return size->channels % 4 == 0 ? size->channels / 4 : 1;
}

enum {
    PDESSM_CASE_TERMS = 8,  /* of a network's equations */
    PDESSM_CASE_DEGREE = 9, /* neighbours of a node in the graphs of images, itself among them */
};

/* ------------------------------------------------------------------ for who fills the operands */

/* Streams of the case's random numbers: 0 and 1 make the case, then one for each operand and one
 * for each gradient; those from PDESSM_CASE_FREE on are the caller's. */
enum {
    PDESSM_CASE_OPERANDS = 2,
    PDESSM_CASE_GRADIENTS = PDESSM_CASE_OPERANDS + PDESSM_MAX_OPERANDS,
    PDESSM_CASE_PATTERN = PDESSM_CASE_GRADIENTS + PDESSM_MAX_OPERANDS,
    PDESSM_CASE_FREE
};

/* Whether nodes i and j of a pattern that is drawn pair by pair are joined. */
int pdessm_case_joined(const pdessm_case *k, int64_t i, int64_t j);

#endif
