/* SPDX-License-Identifier: MIT */
/* linear.c: y = x weight^T + bias and its gradients, in terms of matrix products. */
#include "gemm.h"

/* y_p = x weight_p^T + bias_p for all parts at once. */
static struct gemm product_y(const pdessm_linear_job *l, float *y) {
    return (struct gemm){
        .m = l->m,
        .n = l->n,
        .k = l->k,
        .a = l->x,
        .a_row = l->k,
        .a_column = 1,
        .b = l->weight,
        .b_row = 1,
        .b_column = l->k,
        .c = y,
        .c_row = l->n / l->parts,
        .parts = l->parts,
        .c_part = l->m * (l->n / l->parts),
        .bias = l->bias,
        .sgemm = l->sgemm,
    };
}

/* dx [+]= dy_p weight_p */
static struct gemm product_dx(const pdessm_linear_job *l, const float *dy, float *dx, int64_t part,
                              int add) {
    int64_t width = l->n / l->parts;
    return (struct gemm){
        .m = l->m,
        .n = l->k,
        .k = width,
        .a = dy + part * l->m * width,
        .a_row = width,
        .a_column = 1,
        .b = l->weight + part * width * l->k,
        .b_row = l->k,
        .b_column = 1,
        .c = dx,
        .c_row = l->k,
        .parts = 1,
        .add = add || part > 0,
        .sgemm = l->sgemm,
    };
}

/* dweight_p [+]= dy_p^T x */
static struct gemm product_dweight(const pdessm_linear_job *l, const float *dy, float *dweight,
                                   int64_t part, int add) {
    int64_t width = l->n / l->parts;
    return (struct gemm){
        .m = width,
        .n = l->k,
        .k = l->m,
        .a = dy + part * l->m * width,
        .a_row = 1,
        .a_column = width,
        .b = l->x,
        .b_row = l->k,
        .b_column = 1,
        .c = dweight + part * width * l->k,
        .c_row = l->k,
        .parts = 1,
        .add = add,
        .sgemm = l->sgemm,
    };
}

/* The same with dbias_p on the way. */
static struct gemm_tall product_tall(const pdessm_linear_job *l, const float *dy, int64_t part,
                                     const pdessm_linear_gradients *to) {
    int64_t width = l->n / l->parts;
    return (struct gemm_tall){
        .m = width,
        .n = l->k,
        .k = l->m,
        .a = dy + part * l->m * width,
        .b = l->x,
        .c = to->weight + part * width * l->k,
        .bias = to->bias ? to->bias + part * width : NULL,
        .add = to->add_weight,
        .add_bias = to->add_bias,
    };
}

/* Batches of fewer rows are no tall matrices, and a BLAS is asked for what it can do. */
enum { TALL = 512 };

static int is_tall(const pdessm_linear_job *l) {
    return l->m >= TALL && !l->sgemm;
}

/* Column sums in pieces of SUM_COLUMNS columns, row by row, with a fresh partial sum every SUM_ROWS
 * rows: the error grows like SUM_ROWS + m / SUM_ROWS. */
enum { SUM_COLUMNS = 4 * LANES, SUM_ROWS = 128 };

struct sums {
    const pdessm_linear_job *l;
    const float *dy;
    float *dbias;
    int add;
    int64_t part_pieces;
};

static void add_rows(const float *restrict dy, int64_t step, int64_t rows, int64_t width,
                     float *restrict total) {
    float sum[SUM_COLUMNS] = {0};
    if (width == SUM_COLUMNS)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < SUM_COLUMNS; j++)
                sum[j] += dy[i * step + j];
    else
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < width; j++)
                sum[j] += dy[i * step + j];
    for (int64_t j = 0; j < width; j++)
        total[j] += sum[j];
}

static void sum_task(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct sums *s = argument;
    const pdessm_linear_job *l = s->l;
    int64_t width = l->n / l->parts;
    int64_t part = index / s->part_pieces, j0 = index % s->part_pieces * SUM_COLUMNS;
    int64_t columns = width - j0 < SUM_COLUMNS ? width - j0 : SUM_COLUMNS;
    const float *dy = s->dy + part * l->m * width + j0;
    float total[SUM_COLUMNS] = {0}, *dbias = s->dbias + part * width + j0;
    for (int64_t i = 0; i < l->m; i += SUM_ROWS)
        add_rows(dy + i * width, width, l->m - i < SUM_ROWS ? l->m - i : SUM_ROWS, columns, total);
    for (int64_t j = 0; j < columns; j++)
        dbias[j] = (s->add ? dbias[j] : 0.0f) + total[j];
}

static void sum_columns(pdessm_pool *pool, const pdessm_linear_job *l, const float *dy,
                        float *dbias, int add) {
    int64_t pieces = (l->n / l->parts + SUM_COLUMNS - 1) / SUM_COLUMNS;
    pdessm_parallel(pool, pieces * l->parts, sum_task, &(struct sums){l, dy, dbias, add, pieces});
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t FALLBACK(linear_scratch)(const pdessm_linear_job *l, int backward) {
    if (!backward) {
        struct gemm y = product_y(l, NULL);
        return FALLBACK(gemm_scratch)(&y);
    }
    struct gemm dx = product_dx(l, NULL, NULL, 0, 0),
                dweight = product_dweight(l, NULL, NULL, 0, 0);
    struct gemm_tall tall = product_tall(l, NULL, 0, &(pdessm_linear_gradients){0});
    return larger(FALLBACK(gemm_scratch)(&dx), is_tall(l) ? FALLBACK(gemm_tall_scratch)(&tall)
                                                          : FALLBACK(gemm_scratch)(&dweight));
}

void FALLBACK(linear_forward)(pdessm_pool *pool, const pdessm_linear_job *l, float *y) {
    struct gemm g = product_y(l, y);
    FALLBACK(gemm)(pool, &g);
}

static void gradient_x(pdessm_pool *pool, const pdessm_linear_job *l, const float *dy,
                       const pdessm_linear_gradients *to) {
    for (int64_t part = 0; part < l->parts; part++) {
        struct gemm g = product_dx(l, dy, to->x, part, to->add_x);
        FALLBACK(gemm)(pool, &g);
    }
}

static void gradient_tall(pdessm_pool *pool, const pdessm_linear_job *l, const float *dy,
                          const pdessm_linear_gradients *to) {
    for (int64_t part = 0; part < l->parts; part++) {
        struct gemm_tall g = product_tall(l, dy, part, to);
        FALLBACK(gemm_tall)(pool, &g);
    }
}

static void gradient_weight(pdessm_pool *pool, const pdessm_linear_job *l, const float *dy,
                            const pdessm_linear_gradients *to) {
    for (int64_t part = 0; part < l->parts; part++) {
        struct gemm g = product_dweight(l, dy, to->weight, part, to->add_weight);
        FALLBACK(gemm)(pool, &g);
    }
}

void FALLBACK(linear_backward)(pdessm_pool *pool, const pdessm_linear_job *l, const float *dy,
                               const pdessm_linear_gradients *to) {
    int tall = to->weight && is_tall(l);
    if (to->x)
        gradient_x(pool, l, dy, to);
    if (tall)
        gradient_tall(pool, l, dy, to);
    else if (to->weight)
        gradient_weight(pool, l, dy, to);
    if (to->bias && !tall)
        sum_columns(pool, l, dy, to->bias, to->add_bias);
}
