/* SPDX-License-Identifier: MIT */
/* cases.c: the call that stands for each row of the operator table in `bench`: shapes as they
 * occur in the network. B images, N = H W tokens, C channels. */
#include <pdessm/ops.h>

#include "bench.h"

typedef struct maker {
    cli_case *k;
    const bench_point *p;
    int64_t b, n, c;
    int copied; /* the operand whose copy the time is compared with: the input, or what is large */
} maker;

#define set_normal PDESSM_CLI_CASE_NORMAL

/* Operand i: [B, N, C]. */
static void set_tokens(maker *m, int i) {
    set_normal(m->k, i, m->b, m->n, m->c);
}

/* The flat arrays of the optimiser, as long as the tokens. */
static void set_flat(maker *m, int i, cli_fill fill, double scale) {
    int64_t all = m->b * m->n * m->c;
    pdessm_cli_case_set(m->k, i, fill, scale, 1, &all);
}

/* ------------------------------------------------------------------ one for each row */

#define CASE(name) static void case_##name(maker *m)

enum { PATCH = 2, TERMS = 8, HEAD_WIDTH = 64, CLASSES = 1001 };

CASE(linear) {
    set_tokens(m, 0);
    set_normal(m->k, 1, m->p->outputs, m->c);
    set_normal(m->k, 2, m->p->outputs);
    m->k->attribute[0] = 1;
    m->k->terms = m->b * m->n > m->c ? m->b * m->n : m->c;
}

CASE(layer_norm) {
    set_tokens(m, 0);
    set_normal(m->k, 1, m->b, m->c);
    set_normal(m->k, 2, m->b, m->c);
    m->k->terms = m->n > m->c ? m->n : m->c;
    m->k->condition = 4;
}

CASE(gelu) {
    set_tokens(m, 0);
}

CASE(silu) {
    set_tokens(m, 0);
}

CASE(gate) {
    set_tokens(m, 0);
    set_tokens(m, 1);
}

CASE(residual) {
    set_tokens(m, 0);
    set_normal(m->k, 1, m->b, m->c);
    set_tokens(m, 2);
    m->k->terms = m->n;
}

CASE(add) {
    set_tokens(m, 0);
    set_normal(m->k, 1, m->n, m->c);
    m->k->terms = m->b;
}

CASE(cdr_coefficients) {
    set_normal(m->k, 0, m->c, TERMS, 3);
    set_normal(m->k, 1, m->c, TERMS, 2);
    set_normal(m->k, 2, m->c, TERMS);
    m->k->attribute[0] = 0.25;
}

CASE(cdr_symbol) {
    int64_t diffusion[] = {m->c, TERMS, 3};
    pdessm_cli_case_set(m->k, 0, CLI_DIFFUSION, 0.1, 3, diffusion);
    pdessm_cli_case_set(m->k, 1, CLI_NORMAL, 0.05, 3, (int64_t[]){m->c, TERMS, 2});
    pdessm_cli_case_set(m->k, 2, CLI_NORMAL, 0.5, 2, diffusion);
    set_normal(m->k, 3, m->c, TERMS);
    set_normal(m->k, 4, m->c);
    m->k->attribute[0] = (double)m->p->height;
    m->k->attribute[1] = (double)m->p->width;
    m->k->terms = m->n + 24;
    m->k->condition = 4;
    m->copied = 5;
}

CASE(spectral_filter) {
    const bench_point *p = m->p;
    set_normal(m->k, 0, m->b, p->height, p->width, m->c);
    pdessm_cli_case_set(m->k, 1, CLI_NORMAL, 0.5, 4,
                        (int64_t[]){p->height, p->width / 2 + 1, m->c, 2});
    m->k->terms = m->n;
}

CASE(depthwise_conv) {
    set_normal(m->k, 0, m->b, m->p->height, m->p->width, m->c);
    set_normal(m->k, 1, m->c, 3, 3);
    set_normal(m->k, 2, m->c);
    m->k->terms = m->b * m->n;
}

CASE(attention) {
    int64_t heads = m->c % HEAD_WIDTH == 0 ? m->c / HEAD_WIDTH : 1;
    set_normal(m->k, 0, m->b, m->n, 3 * m->c);
    m->k->attribute[0] = (double)heads;
    m->k->terms = m->n > m->c ? m->n : m->c;
    m->k->condition = 4;
}

/* Patches of C numbers, if C can be cut into them, else of one channel. */
static int64_t image_channels(const maker *m) {
    return m->c % (PATCH * PATCH) == 0 ? m->c / (PATCH * PATCH) : 1;
}

CASE(patchify) {
    set_normal(m->k, 0, m->b, image_channels(m), PATCH * m->p->height, PATCH * m->p->width);
    m->k->attribute[0] = PATCH;
}

CASE(unpatchify) {
    set_normal(m->k, 0, m->b, m->n, PATCH * PATCH * image_channels(m));
    m->k->attribute[0] = PATCH;
    m->k->attribute[1] = (double)(PATCH * m->p->height);
    m->k->attribute[2] = (double)(PATCH * m->p->width);
}

CASE(timestep_embedding) {
    int64_t rows = m->b * m->n;
    pdessm_cli_case_set(m->k, 0, CLI_UNIT, 1, 1, &rows);
    m->k->condition = 250; /* angles up to 1000 are rounded before their sine is taken */
    m->copied = 1;
}

CASE(gaussian_gain) {
    pdessm_cli_case_set(m->k, 0, CLI_UNIT, 1, 1, &m->b);
    m->k->attribute[0] = (double)(PATCH * m->p->width);
}

CASE(embedding) {
    int64_t rows = m->b * m->n;
    set_normal(m->k, 0, CLASSES, m->c);
    pdessm_cli_case_set(m->k, 1, CLI_INDEX, CLASSES, 1, &rows);
    m->k->terms = rows;
    m->copied = 2;
}

CASE(mse_loss) {
    set_tokens(m, 0);
    set_tokens(m, 1);
    m->k->terms = 64;
}

CASE(cross_entropy) {
    int64_t rows = m->b * m->n;
    set_normal(m->k, 0, rows, m->c);
    pdessm_cli_case_set(m->k, 1, CLI_INDEX, (double)m->c, 1, &rows);
    m->k->terms = rows;
    m->k->condition = 4;
}

CASE(mean_tokens) {
    set_tokens(m, 0);
    m->k->terms = m->n;
}

CASE(average_pool) {
    set_normal(m->k, 0, m->b, image_channels(m), PATCH * m->p->height, PATCH * m->p->width);
    m->k->attribute[0] = 1;
}

/* Padding for a convolution that does not wrap around. */
CASE(corner) {
    set_normal(m->k, 0, m->b, m->p->height, m->p->width, m->c);
    m->k->attribute[0] = (double)(2 * m->p->height);
    m->k->attribute[1] = (double)(2 * m->p->width);
}

CASE(flow_path) {
    set_tokens(m, 0);
    set_tokens(m, 1);
    pdessm_cli_case_set(m->k, 2, CLI_UNIT, 1, 1, &m->b);
}

CASE(affine_coupling) {
    set_tokens(m, 0);
    set_normal(m->k, 1, 2, m->b, m->n, m->c);
    m->k->attribute[0] = 1;
    m->k->condition = 8;
}

CASE(guide) {
    set_normal(m->k, 0, 2 * m->b, m->n, m->c);
    m->k->attribute[0] = 2;
    m->k->condition = 16;
}

/* One step of Heun's method. */
CASE(combine) {
    for (int i = 0; i < 3; i++)
        set_tokens(m, i);
    m->k->attribute[0] = m->k->attribute[1] = 0.5;
}

CASE(error_norm) {
    set_tokens(m, 0);
    m->k->operand[0].scale = 1e-3;
    set_tokens(m, 1);
    set_tokens(m, 2);
    m->k->attribute[0] = m->k->attribute[1] = 1e-3;
    m->k->terms = 64;
}

CASE(philox_normal) {
    m->k->attribute[0] = 1;
    m->k->attribute[5] = (double)m->b;
    m->k->attribute[6] = (double)(m->n * m->c);
}

static void set_state(maker *m, int i) {
    pdessm_cli_case_set(m->k, i, CLI_STATE, 1, 1, (int64_t[]){8});
}

CASE(grad_norm) {
    set_flat(m, 0, CLI_NORMAL, 1);
    pdessm_cli_case_set(m->k, 1, CLI_POSITIVE, 1, 1, (int64_t[]){1});
    set_state(m, 2);
    m->k->attribute[0] = 1;
    m->k->terms = 64;
}

CASE(adamw) {
    static const double settings[] = {1e-3, 0.9, 0.999, 1e-8, 0.01, 100};
    set_flat(m, 0, CLI_NORMAL, 1);
    set_flat(m, 1, CLI_NORMAL, 1);
    set_flat(m, 2, CLI_NORMAL, 0.1);
    set_flat(m, 3, CLI_POSITIVE, 0.1);
    set_state(m, 4);
    for (int i = 0; i < 6; i++)
        m->k->attribute[i] = settings[i];
}

CASE(ema) {
    set_flat(m, 0, CLI_NORMAL, 1);
    set_flat(m, 1, CLI_NORMAL, 1);
    set_state(m, 2);
    m->k->attribute[0] = 0.999;
}

CASE(landscape) {
    set_normal(m->k, 0, m->b * m->n, m->c);
    m->k->attribute[0] = PDESSM_LANDSCAPE_ACKLEY;
    m->k->attribute[1] = m->k->attribute[2] = 1;
    m->k->terms = 64;
    m->k->condition = 8;
}

CASE(relu) {
    set_tokens(m, 0);
}

CASE(dropout) {
    int64_t rows = m->b * m->n;
    set_normal(m->k, 0, rows, m->c);
    pdessm_cli_case_set(m->k, 1, CLI_INDEX, (double)rows, 1, &rows);
    pdessm_cli_case_set(m->k, 2, CLI_INDEX, 1e6, 1, (int64_t[]){3});
    m->k->attribute[0] = 0.3;
    m->k->attribute[2] = 1;
}

CASE(batch_norm) {
    int64_t rows = m->b * m->n;
    set_normal(m->k, 0, rows, m->c);
    set_normal(m->k, 1, m->c);
    set_normal(m->k, 2, m->c);
    pdessm_cli_case_set(m->k, 3, CLI_POSITIVE, 1, 2, (int64_t[]){2, m->c});
    m->k->attribute[0] = 1;
    m->k->attribute[1] = 0.1;
    m->k->attribute[2] = 1e-5;
    m->k->terms = rows;
    m->k->condition = 8;
}

/* As many neighbours as the graphs of images have. */
enum { DEGREE = 9 };

/* Each node joined to itself, with values. */
CASE(spmm) {
    int64_t nodes = m->b * m->n;
    set_normal(m->k, 0, nodes, m->c);
    set_normal(m->k, 1, nodes * DEGREE);
    pdessm_cli_case_set_ring(m->k, 2, nodes, DEGREE);
    m->k->terms = m->c;
}

CASE(head_dot) {
    set_normal(m->k, 0, m->b * m->n, m->c);
    set_normal(m->k, 1, 2, m->c / 2);
    m->k->terms = m->b * m->n;
}

CASE(edge_softmax) {
    int64_t nodes = m->b * m->n;
    set_normal(m->k, 0, nodes, 2);
    set_normal(m->k, 1, nodes, 2);
    pdessm_cli_case_set_ring(m->k, 2, nodes, DEGREE);
    m->k->attribute[0] = 0.2;
    m->k->terms = DEGREE;
    m->k->condition = 8;
}

/* A row of the operator table without a case here does not compile. */
static void (*const makers[])(maker *m) = {
#define OP(name, letters, operands, attributes, meaning) [PDESSM_OP_##name] = case_##name,
#include "ops/ops.def"
#undef OP
};

void pdessm_cli_bench_case(const bench_point *p, uint64_t seed, cli_case *ret, int *ret_copied) {
    /* Drawing every number would take longer than measuring. Odd, so that rows of any power of two
     * differ, and a multiple of three, so that rows of a diffusion matrix stay whole. */
    enum { PERIOD = 3 * 21839 };
    *ret = (cli_case){.op = p->op, .seed = seed, .terms = 8, .condition = 1, .period = PERIOD};
    maker m = {.k = ret, .p = p, .b = p->batch, .n = p->height * p->width, .c = p->channels};
    makers[p->op](&m);
    *ret_copied = m.copied;
}
