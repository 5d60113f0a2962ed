/* SPDX-License-Identifier: MIT */
/* cases.c: one drawing function for each row of the operator table. */
#include "cases.h"

#include <pdessm/ops.h>

#include "core/random.h"
#include "opcall.h"

/* ------------------------------------------------------------------ drawing */

static int64_t whole(cli_case *k, int64_t least, int64_t most) {
    return least + pdessm_below(k->seed, PDESSM_RANDOM_CHECK, 0, 0, k->drawn++,
                                (uint64_t)(most - least + 1));
}

static double real(cli_case *k, double least, double most) {
    return least + (most - least) * pdessm_uniform(k->seed, PDESSM_RANDOM_CHECK, 1, 0, k->drawn++);
}

static int coin(cli_case *k) {
    return (int)whole(k, 0, 1);
}

static int64_t extent(cli_case *k, int64_t least, int64_t most) {
    int64_t n = whole(k, least, most), power = 1;
    switch (whole(k, 0, 4)) {
    case 0:
        return least;
    case 1:
        return most;
    case 2: /* a power of two or a neighbour of one */
        while (power * 2 <= n)
            power *= 2;
        n = power + whole(k, -1, 1);
        return n < least ? least : n > most ? most : n;
    default:
        return n;
    }
}

void pdessm_cli_case_set(cli_case *k, int i, cli_fill fill, double scale, int rank,
                         const int64_t *dims) {
    k->operand[i] = (cli_operand){.fill = fill, .scale = scale, .rank = rank};
    for (int d = 0; d < rank; d++)
        k->operand[i].dims[d] = dims[d];
}

void pdessm_cli_case_set_like(cli_case *k, int i, int other, cli_fill fill, double scale) {
    pdessm_cli_case_set(k, i, fill, scale, k->operand[other].rank, k->operand[other].dims);
}

void pdessm_cli_case_set_ring(cli_case *k, int i, int64_t nodes, int64_t degree) {
    const int64_t rows = nodes + 1, edges = nodes * degree;
    pdessm_cli_case_set(k, i, CLI_START, (double)degree, 1, &rows);
    pdessm_cli_case_set(k, i + 1, CLI_COLUMN, (double)degree, 1, &edges);
    pdessm_cli_case_set(k, i + 2, CLI_REVERSE, (double)degree, 1, &edges);
}

/* Short names for the table below. */
#define set pdessm_cli_case_set
#define set_like pdessm_cli_case_set_like
#define set_normal PDESSM_CLI_CASE_NORMAL

/* Operand 0: 1 to 4 extents whose product stays small. */
static void set_any(cli_case *k) {
    int64_t dims[4] = {extent(k, 1, 40), extent(k, 1, 30), extent(k, 1, 9), extent(k, 1, 4)};
    set(k, 0, CLI_NORMAL, 2, (int)whole(k, 1, 4), dims);
}

/* ------------------------------------------------------------------ one for each row */

/* The first argument is spelled as in ops.def; see the table below. */
#define CASE(name) static void case_##name(cli_case *k)

CASE(linear) {
    int64_t m = extent(k, 1, 200), in = extent(k, 1, 200), parts = whole(k, 1, 3);
    int64_t out = parts * extent(k, 1, 150);
    set_normal(k, 0, m, in);
    set_normal(k, 1, out, in);
    if (coin(k))
        set_normal(k, 2, out);
    k->attribute[0] = (double)parts;
    k->terms = in > m ? in : m;
    k->terms = out > k->terms ? out : k->terms;
}

CASE(layer_norm) {
    int64_t b = extent(k, 1, 4), n = extent(k, 1, 65), c = extent(k, 4, 400);
    set_normal(k, 0, b, n, c);
    if (coin(k)) {
        set_normal(k, 1, b, c);
        set_normal(k, 2, b, c);
    }
    k->terms = n > c ? n : c;
    k->condition = 4;
}

CASE(gelu) {
    set_any(k);
}

CASE(silu) {
    set_any(k);
}

CASE(gate) {
    set_any(k);
    set_like(k, 1, 0, CLI_NORMAL, 2);
}

CASE(residual) {
    int64_t b = extent(k, 1, 4), n = extent(k, 1, 65), c = extent(k, 1, 200);
    set_normal(k, 0, b, n, c);
    set_normal(k, 1, b, c);
    set_normal(k, 2, b, n, c);
    k->terms = n;
}

CASE(add) {
    set_any(k);
    int rank = k->operand[0].rank, kept = (int)whole(k, 1, rank);
    set(k, 1, CLI_NORMAL, 1, kept, k->operand[0].dims + rank - kept);
    k->terms = 40 * 30 * 9;
}

CASE(cdr_coefficients) {
    int64_t c = extent(k, 1, 70), s = extent(k, 1, 17);
    set_normal(k, 0, c, s, 3);
    set_normal(k, 1, c, s, 2);
    set(k, 2, CLI_NORMAL, 4, 2, (int64_t[]){c, s});
    k->attribute[0] = real(k, 0.05, 0.5);
    k->attribute[1] = (double)extent(k, 1, 2);
}

CASE(cdr_symbol) {
    int64_t c = extent(k, 1, 40), s = extent(k, 1, 9);
    set(k, 0, CLI_DIFFUSION, 0.1, 3, (int64_t[]){c, s, 3});
    set(k, 1, CLI_NORMAL, 0.05, 3, (int64_t[]){c, s, 2});
    set(k, 2, CLI_NORMAL, 0.5, 2, (int64_t[]){c, s});
    set_normal(k, 3, c, s);
    set_normal(k, 4, c);
    k->attribute[0] = (double)extent(k, 1, 33);
    k->attribute[1] = (double)extent(k, 1, 33);
    k->attribute[2] = coin(k);
    k->terms = s + 24; /* phases of up to 20 are rounded before their sine is taken */
    k->condition = 4;
}

CASE(spectral_filter) {
    int64_t b = extent(k, 1, 3), h = extent(k, 1, 40), w = extent(k, 1, 40), c = extent(k, 1, 70);
    set_normal(k, 0, b, h, w, c);
    set(k, 1, CLI_NORMAL, 0.5, 4, (int64_t[]){h, w / 2 + 1, c, 2});
    k->terms = h * w;
}

CASE(depthwise_conv) {
    int64_t b = extent(k, 1, 3), h = extent(k, 1, 20), w = extent(k, 1, 20), c = extent(k, 1, 70);
    set_normal(k, 0, b, h, w, c);
    set_normal(k, 1, c, 3, 3);
    if (coin(k))
        set_normal(k, 2, c);
    k->terms = 9 + b * h * w;
}

CASE(attention) {
    int64_t b = extent(k, 1, 3), n = extent(k, 1, 80);
    int64_t heads = whole(k, 1, 4), c = heads * extent(k, 1, 64);
    set_normal(k, 0, b, n, 3 * c);
    k->attribute[0] = (double)heads;
    k->terms = n > c ? n : c;
    k->condition = 4;
}

CASE(patchify) {
    int64_t p = whole(k, 1, 4), h = p * extent(k, 1, 9), w = p * extent(k, 1, 9);
    set_normal(k, 0, extent(k, 1, 4), extent(k, 1, 4), h, w);
    k->attribute[0] = (double)p;
}

CASE(unpatchify) {
    int64_t p = whole(k, 1, 4), h = extent(k, 1, 9), w = extent(k, 1, 9);
    set_normal(k, 0, extent(k, 1, 4), h * w, p * p * extent(k, 1, 4));
    k->attribute[0] = (double)p;
    k->attribute[1] = (double)(h * p);
    k->attribute[2] = (double)(w * p);
}

CASE(timestep_embedding) {
    set(k, 0, CLI_UNIT, 1, 1, (int64_t[]){extent(k, 1, 70)});
    k->condition = 250; /* angles up to 1000 are rounded before their sine is taken */
}

CASE(gaussian_gain) {
    set(k, 0, CLI_UNIT, 1, 1, (int64_t[]){extent(k, 1, 70)});
    k->attribute[0] = (double)extent(k, 1, 200);
}

CASE(embedding) {
    int64_t rows = extent(k, 1, 30), b = extent(k, 1, 60);
    set_normal(k, 0, rows, extent(k, 1, 200));
    set(k, 1, CLI_INDEX, (double)rows, 1, &b);
    k->terms = b;
}

CASE(mse_loss) {
    set_any(k);
    set_like(k, 1, 0, CLI_NORMAL, 1);
    k->terms = 64; /* sums are taken in pieces */
}

CASE(cross_entropy) {
    int64_t b = extent(k, 1, 70), classes = extent(k, 2, 40);
    set_normal(k, 0, b, classes);
    set(k, 1, CLI_INDEX, (double)(classes + 1), 1, &b); /* now and then one that is no class */
    k->attribute[0] = coin(k) ? real(k, 0, 0.9) : 0;
    k->terms = b > classes ? b : classes;
    k->condition = 4;
}

CASE(mean_tokens) {
    int64_t b = extent(k, 1, 4), n = extent(k, 1, 65), c = extent(k, 1, 200);
    set_normal(k, 0, b, n, c);
    k->terms = n;
}

CASE(average_pool) {
    set_normal(k, 0, extent(k, 1, 4), extent(k, 1, 4), 2 * extent(k, 1, 20), 2 * extent(k, 1, 20));
    k->attribute[0] = real(k, 0.5, 2);
}

CASE(corner) {
    set_normal(k, 0, extent(k, 1, 3), extent(k, 1, 20), extent(k, 1, 20), extent(k, 1, 40));
    k->attribute[0] = (double)extent(k, 1, 40);
    k->attribute[1] = (double)extent(k, 1, 40);
}

CASE(flow_path) {
    set_any(k);
    set_like(k, 1, 0, CLI_NORMAL, 1);
    set(k, 2, CLI_UNIT, 1, 1, k->operand[0].dims);
}

CASE(affine_coupling) {
    int64_t rows = extent(k, 1, 60), width = extent(k, 1, 60);
    set_normal(k, 0, rows, width);
    set_normal(k, 1, 2, rows, width);
    k->attribute[0] = real(k, 0.5, 2);
    k->attribute[1] = coin(k);
    k->condition = 8; /* exp(bound) */
}

CASE(guide) {
    set_any(k);
    k->operand[0].dims[0] *= 2;
    k->attribute[0] = real(k, 0, 8);
    k->condition = 16;
}

CASE(combine) {
    set_any(k);
    for (int j = 0; j < 7; j++) {
        if (j > 0 && coin(k))
            continue;
        set_like(k, 1 + j, 0, CLI_NORMAL, 1);
        k->attribute[j] = real(k, -1, 1);
    }
}

CASE(error_norm) {
    set_any(k);
    k->operand[0].scale = 1e-3;
    set_like(k, 1, 0, CLI_NORMAL, 1);
    set_like(k, 2, 0, CLI_NORMAL, 1);
    k->attribute[0] = k->attribute[1] = 1e-3;
    k->terms = 64;
}

CASE(philox_normal) {
    k->attribute[0] = (double)whole(k, 0, UINT32_MAX);
    k->attribute[1] = (double)whole(k, 0, UINT32_MAX);
    k->attribute[2] = (double)whole(k, 0, 20);
    k->attribute[3] = (double)whole(k, 0, 1 << 20);
    k->attribute[4] = (double)whole(k, 0, 1 << 20);
    k->attribute[5] = (double)extent(k, 1, 40);
    k->attribute[6] = (double)extent(k, 1, 500);
}

CASE(grad_norm) {
    set_any(k);
    set(k, 1, CLI_POSITIVE, 1, 1, (int64_t[]){1});
    set(k, 2, CLI_STATE, 1, 1, (int64_t[]){8});
    k->attribute[0] = coin(k) ? real(k, 0.1, 5) : 0;
    k->terms = 64;
}

CASE(adamw) {
    set_any(k);
    set_like(k, 1, 0, CLI_NORMAL, 1);
    set_like(k, 2, 0, CLI_NORMAL, 0.1);
    set_like(k, 3, 0, CLI_POSITIVE, 0.1);
    set(k, 4, CLI_STATE, 1, 1, (int64_t[]){8});
    k->attribute[0] = 1e-3;
    k->attribute[1] = 0.9;
    k->attribute[2] = 0.999;
    k->attribute[3] = 1e-8;
    k->attribute[4] = coin(k) ? 0.1 : 0;
    k->attribute[5] = (double)whole(k, 1, 2000);
}

CASE(ema) {
    set_any(k);
    set_like(k, 1, 0, CLI_NORMAL, 1);
    set(k, 2, CLI_STATE, 1, 1, (int64_t[]){8});
    k->attribute[0] = real(k, 0.9, 1);
}

CASE(landscape) {
    set_normal(k, 0, extent(k, 1, 70), extent(k, 1, 130));
    k->attribute[0] = (double)whole(k, 0, PDESSM_LANDSCAPE_COUNT - 1);
    k->attribute[1] = real(k, 0.5, 2);
    k->attribute[2] = real(k, 0.2, 1);
    k->terms = 64;
    k->condition = 8;
}

CASE(relu) {
    set_any(k);
    k->attribute[0] = coin(k) ? real(k, -1, 1) : 0;
}

CASE(dropout) {
    int64_t n = extent(k, 1, 200), c = extent(k, 1, 200);
    set_normal(k, 0, n, c);
    set(k, 1, CLI_INDEX, 1e6, 1, &n);
    set(k, 2, CLI_INDEX, 1e6, 1, (int64_t[]){3});
    k->attribute[0] = real(k, 0, 0.9);
    k->attribute[1] = (double)whole(k, 0, 9);
    k->attribute[2] = coin(k);
}

CASE(batch_norm) {
    int64_t n = extent(k, 5, 400), c = extent(k, 1, 200);
    set_normal(k, 0, n, c);
    set_normal(k, 1, c);
    set_normal(k, 2, c);
    set(k, 3, CLI_POSITIVE, 1, 2, (int64_t[]){2, c});
    k->attribute[0] = coin(k);
    k->attribute[1] = real(k, 0, 1);
    k->attribute[2] = 1e-5;
    k->terms = n;
    k->condition = 8;
}

CASE(spmm) {
    int64_t n = extent(k, 1, 300), heads = whole(k, 1, 4), c = heads * extent(k, 1, 100);
    int64_t degree = 2 * whole(k, 0, 8) + 1, headed = coin(k);
    set_normal(k, 0, n, c);
    if (coin(k))
        set(k, 1, CLI_NORMAL, 1, headed ? 2 : 1, (int64_t[]){n * degree, heads});
    pdessm_cli_case_set_ring(k, 2, n, degree);
    k->terms = c > degree ? c : degree;
}

CASE(head_dot) {
    int64_t n = extent(k, 1, 300), heads = extent(k, 1, 6), width = extent(k, 1, 60);
    set_normal(k, 0, n, heads * width);
    set_normal(k, 1, heads, width);
    k->terms = n > width ? n : width;
}

/* Rows need scores of either sign: else the gradient of left is nothing but rounding. */
CASE(edge_softmax) {
    int64_t n = extent(k, 40, 300), heads = extent(k, 1, 8);
    set_normal(k, 0, n, heads);
    set_normal(k, 1, n, heads);
    pdessm_cli_case_set_ring(k, 2, n, 2 * whole(k, 3, 8) + 1);
    k->attribute[0] = real(k, 0, 0.5);
    k->terms = 17;
    k->condition = 8;
}

static void (*const draws[])(cli_case *k) = {
#define OP(name, letters, operands, attributes, meaning) [PDESSM_OP_##name] = case_##name,
#include "ops/ops.def"
#undef OP
};

void pdessm_cli_case_draw(pdessm_op op, uint64_t seed, cli_case *ret) {
    *ret = (cli_case){.op = op, .seed = seed, .terms = 8, .condition = 1};
    draws[op](ret);
}
