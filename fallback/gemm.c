/* SPDX-License-Identifier: MIT */
/* gemm.c: matrix products as BLIS makes them: B (and A where its rows are not contiguous) is packed
 * into panels, and register tiles run along them.
 *
 * The packed panels are shared: they lie in the scratch of worker 0. The pool first packs, then
 * computes tiles; products deeper than the panels may be repeat the two. The sum over k is cut at
 * multiples of BLOCK and nowhere else, so that no result depends on the threads, and the error
 * grows like BLOCK + k / BLOCK instead of k. */
#include <limits.h>

#include "gemm.h"

/* A panel of BLOCK x GEMM_COLUMNS stays in the L1 cache while the rows of A pass by. */
enum { BLOCK = 256 };
/* Floats that the packed panels of one side should hold: 256 KB, so that both stay in an L2
 * cache. */
static const int64_t PANELS_MOST = 1 << 16;
/* Register tiles in a task: enough to use an L1-resident panel of B again and again. */
enum { TASK_ROWS = 8, TASK_COLUMNS = 12 };
/* Most and fewest rows and columns of a block that is handed to a BLAS. */
enum { BLAS_ROWS = 224, BLAS_COLUMNS = 384, BLAS_LEAST = 32 };

struct plan {
    const struct gemm *g;
    int64_t part_columns, part_panels, panels; /* of B */
    int64_t rows, row_panels;                  /* of A: height of a register tile, how many */
    int64_t depth;                             /* of the packed panels: multiple of BLOCK */
    int pack_a;
    int64_t task_rows, task_columns, tasks_down; /* in register tiles */
    float *packed_a, *packed_b;
    int64_t k0, k1; /* the packed range of k */
};

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Rows a multiple of 4 KB apart share one cache set, and tall tiles would push themselves out. */
static int needs_packed_a(const struct gemm *g) {
    return g->a_column != 1 || g->a_row % 1024 == 0;
}

static struct plan make_plan(const struct gemm *g) {
    struct plan p = {.g = g};
    p.part_columns = g->n / g->parts;
    p.part_panels = ceil_div(p.part_columns, GEMM_COLUMNS);
    p.panels = p.part_panels * g->parts;
    p.row_panels = ceil_div(g->m, GEMM_ROWS);
    p.rows = ceil_div(g->m, p.row_panels);
    p.row_panels = ceil_div(g->m, p.rows);
    p.pack_a = needs_packed_a(g);
    int64_t across = p.panels * GEMM_COLUMNS;
    if (p.pack_a && p.row_panels * GEMM_ROWS > across)
        across = p.row_panels * GEMM_ROWS;
    int64_t blocks = PANELS_MOST / BLOCK / across;
    p.depth = least((blocks > 1 ? blocks : 1) * BLOCK, g->k);
    return p;
}

static int64_t floats_b(const struct plan *p) {
    return p->panels * GEMM_COLUMNS * p->depth;
}

static int64_t floats_a(const struct plan *p) {
    return p->pack_a ? p->row_panels * GEMM_ROWS * p->depth : 0;
}

size_t FALLBACK(gemm_scratch)(const struct gemm *g) {
    struct plan p = make_plan(g);
    return (size_t)(floats_a(&p) + floats_b(&p)) * sizeof(float);
}

static void pack_panel_b(const struct plan *p, int64_t panel) {
    const struct gemm *g = p->g;
    int64_t within = panel % p->part_panels * GEMM_COLUMNS;
    int64_t column = panel / p->part_panels * p->part_columns + within;
    FALLBACK(gemm_pack)
    (p->packed_b + panel * GEMM_COLUMNS * p->depth, GEMM_COLUMNS,
     g->b + column * g->b_column + p->k0 * g->b_row, g->b_column, g->b_row,
     least(GEMM_COLUMNS, p->part_columns - within), p->k1 - p->k0);
}

static void pack_panel_a(const struct plan *p, int64_t panel) {
    const struct gemm *g = p->g;
    int64_t row = panel * p->rows;
    FALLBACK(gemm_pack)
    (p->packed_a + panel * GEMM_ROWS * p->depth, GEMM_ROWS,
     g->a + row * g->a_row + p->k0 * g->a_column, g->a_row, g->a_column, least(p->rows, g->m - row),
     p->k1 - p->k0);
}

static void pack_task(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct plan *p = argument;
    if (index < p->panels)
        pack_panel_b(p, index);
    else
        pack_panel_a(p, index - p->panels);
}

/* The register tile (i, j), summed over [k, k + depth) of the packed range. */
static void compute_tile(const struct plan *p, int64_t i, int64_t j, int64_t k, int64_t depth) {
    const struct gemm *g = p->g;
    int64_t row = i * p->rows, part = j / p->part_panels;
    int64_t within = j % p->part_panels * GEMM_COLUMNS;
    int first = p->k0 + k == 0;
    struct gemm_tile tile = {
        .rows = least(p->rows, g->m - row),
        .columns = least(GEMM_COLUMNS, p->part_columns - within),
        .k = depth,
        .a = g->a + row * g->a_row + (p->k0 + k) * g->a_column,
        .a_row = g->a_row,
        .a_column = g->a_column,
        .b = p->packed_b + (j * p->depth + k) * GEMM_COLUMNS,
        .b_row = GEMM_COLUMNS,
        .c = g->c + part * g->c_part + row * g->c_row + within,
        .c_row = g->c_row,
        .add = g->add || !first,
        .bias = first && g->bias ? g->bias + part * p->part_columns + within : NULL,
    };
    if (p->pack_a) {
        tile.a = p->packed_a + (i * p->depth + k) * GEMM_ROWS;
        tile.a_row = 1;
        tile.a_column = GEMM_ROWS;
    }
    /* The tile below, whose rows follow these: GEMM_ROWS k floats, 7/8 of k lines. */
    tile.ahead = tile.a + (p->pack_a ? p->depth * GEMM_ROWS : p->rows * g->a_row);
    FALLBACK(gemm_tile)(&tile);
}

static void tile_task(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct plan *p = argument;
    int64_t i0 = index % p->tasks_down * p->task_rows;
    int64_t j0 = index / p->tasks_down * p->task_columns;
    int64_t i1 = least(i0 + p->task_rows, p->row_panels);
    int64_t j1 = least(j0 + p->task_columns, p->panels);
    for (int64_t k = 0; k < p->k1 - p->k0; k += BLOCK)
        for (int64_t j = j0; j < j1; j++)
            for (int64_t i = i0; i < i1; i++)
                compute_tile(p, i, j, k, least(BLOCK, p->k1 - p->k0 - k));
}

/* Tasks as large as they may be while each worker still gets about four. */
static int64_t cut_tasks(struct plan *p, int workers) {
    p->task_rows = TASK_ROWS;
    p->task_columns = TASK_COLUMNS;
    int64_t wanted = workers > 1 ? 4 * (int64_t)workers : 1;
    for (;;) {
        p->tasks_down = ceil_div(p->row_panels, p->task_rows);
        int64_t tasks = p->tasks_down * ceil_div(p->panels, p->task_columns);
        if (tasks >= wanted || p->task_rows * p->task_columns == 1)
            return tasks;
        if (p->task_columns > p->task_rows || p->task_rows == 1)
            p->task_columns = ceil_div(p->task_columns, 2);
        else
            p->task_rows = ceil_div(p->task_rows, 2);
    }
}

/* ------------------------------------------------------------------ by a BLAS */

/* C in blocks, each within one part. Small products are cut finer, so that several threads have
 * some; where they are cut depends on nothing but the sizes. */
struct blas_cut {
    const struct gemm *g;
    int64_t part_columns, rows, columns; /* of a part, of a block */
    int64_t down, part_blocks;
};

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static void add_bias(const struct gemm *g, float *c, const float *bias, int64_t rows,
                     int64_t columns) {
    for (int64_t i = 0; i < rows; i++, c += g->c_row)
        for (int64_t j = 0; j < columns; j++)
            c[j] = (g->add ? c[j] : 0.0f) + bias[j];
}

static void blas_task(void *argument, int64_t index, int worker) {
    (void)worker;
    enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
    const struct blas_cut *cut = argument;
    const struct gemm *g = cut->g;
    int64_t row = index % cut->down * cut->rows, block = index / cut->down;
    int64_t part = block / cut->part_blocks, within = block % cut->part_blocks * cut->columns;
    int64_t column = part * cut->part_columns + within;
    int64_t rows = least(cut->rows, g->m - row);
    int64_t columns = least(cut->columns, cut->part_columns - within);
    float *c = g->c + part * g->c_part + row * g->c_row + within;
    if (g->bias)
        add_bias(g, c, g->bias + column, rows, columns);
    int ta = g->a_column != 1, tb = g->b_column != 1;
    /* A matrix of one row or column has strides that say nothing; a BLAS still checks them. */
    int64_t lda = ta ? g->a_column : g->a_row, ldb = tb ? g->b_column : g->b_row;
    g->sgemm(ROW_MAJOR, ta ? TRANSPOSED : PLAIN, tb ? TRANSPOSED : PLAIN, (int)rows, (int)columns,
             (int)g->k, 1.0f, g->a + row * g->a_row, (int)clamp(lda, ta ? rows : g->k, INT_MAX),
             g->b + column * g->b_column, (int)clamp(ldb, tb ? g->k : columns, INT_MAX),
             g->add || g->bias ? 1.0f : 0.0f, c, (int)g->c_row);
}

/* A BLAS counts in int. */
static int fits_blas(const struct gemm *g) {
    const int64_t sizes[] = {g->k, g->a_row, g->a_column, g->b_row, g->b_column, g->c_row};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] > INT_MAX)
            return 0;
    return 1;
}

static void by_blas(pdessm_pool *pool, const struct gemm *g) {
    struct blas_cut cut = {.g = g, .part_columns = g->n / g->parts};
    cut.rows = clamp(ceil_div(g->m, 4), BLAS_LEAST, BLAS_ROWS);
    cut.columns = clamp(ceil_div(cut.part_columns, 2), BLAS_LEAST, BLAS_COLUMNS);
    cut.part_blocks = ceil_div(cut.part_columns, cut.columns);
    cut.down = ceil_div(g->m, cut.rows);
    pdessm_parallel(pool, cut.down * cut.part_blocks * g->parts, blas_task, &cut);
}

void FALLBACK(gemm)(pdessm_pool *pool, const struct gemm *g) {
    if (g->sgemm && fits_blas(g)) {
        by_blas(pool, g);
        return;
    }
    struct plan p = make_plan(g);
    p.packed_b = pdessm_pool_scratch(pool, 0);
    p.packed_a = p.packed_b + floats_b(&p);
    int64_t tasks = cut_tasks(&p, pdessm_pool_workers(pool));
    for (p.k0 = 0; p.k0 < g->k; p.k0 = p.k1) {
        p.k1 = least(p.k0 + p.depth, g->k);
        pdessm_parallel(pool, p.panels + (p.pack_a ? p.row_panels : 0), pack_task, &p);
        pdessm_parallel(pool, tasks, tile_task, &p);
    }
}
