/* SPDX-License-Identifier: MIT */
/* gemm_tall.c: products of two tall matrices, C [+]= A^T B, with the column sums of A on the way.
 *
 * The sum over k is cut into slabs that are separate tasks and are added up at the end, so that
 * threads neither share what they pack nor wait for each other. Where slabs are cut depends on the
 * sizes alone; with more threads the rows of C are dealt out to more tasks. */
#include "elementwise.h"
#include "gemm.h"

/* Rows of A and B in one visit: a panel of each then stays in the L1 cache, with room to spare.
 * Columns of C in a task: their panels of B stay in L2, beside PANELS of A. */
enum { BLOCK = 128, COLUMNS = 384, PANELS = 8 };
/* Columns of a packed panel of A: whole vectors. */
enum { PANEL = (GEMM_ROWS + LANES - 1) / LANES * LANES };
/* Matrices of fewer columns are read where they lie: their blocks spread over all cache sets. */
enum { NARROW = 128 };
/* Most and shortest slabs, and the floats that the sums of all may take. A product in one slab goes
 * straight to C. */
enum { SLABS_MOST = 16, SLAB_LEAST = 512 };
static const int64_t SUMS_MOST = 1 << 19;

struct plan {
    const struct gemm_tall *g;
    pdessm_pool *pool;
    int pack_a, pack_b;
    int64_t slabs, slab;
    int64_t rows, panels;    /* of a register tile; tiles that span m */
    int64_t columns, across; /* of C in a task; tasks that span n */
    int64_t height, down;    /* panels in a task; tasks that span m */
    float *sums, *bias;      /* [slabs][m][n], [slabs][m]: scratch, or C and bias themselves */
    int64_t shared;          /* floats of scratch that these two take */
};

/* Whole cache lines. */
static int64_t padded(int64_t floats) {
    return ceil_div(floats, 16) * 16;
}

static struct plan make_plan(const struct gemm_tall *g) {
    struct plan p = {.g = g, .slabs = 1};
    int64_t slabs = least(least(g->k / SLAB_LEAST, SUMS_MOST / (g->m * g->n)), SLABS_MOST);
    while (2 * p.slabs <= slabs)
        p.slabs *= 2;
    p.slab = ceil_div(g->k, p.slabs);
    p.panels = ceil_div(g->m, GEMM_ROWS);
    p.rows = ceil_div(g->m, p.panels);
    p.panels = ceil_div(g->m, p.rows);
    p.across = ceil_div(g->n, COLUMNS);
    p.columns = ceil_div(ceil_div(g->n, p.across), GEMM_COLUMNS) * GEMM_COLUMNS;
    p.across = ceil_div(g->n, p.columns);
    p.pack_a = g->m > NARROW;
    p.pack_b = g->n > NARROW || g->n % LANES != 0;
    if (p.slabs > 1)
        p.shared = padded(p.slabs * g->m * g->n) + padded(p.slabs * g->m);
    return p;
}

size_t FALLBACK(gemm_tall_scratch)(const struct gemm_tall *g) {
    struct plan p = make_plan(g);
    return (size_t)(p.shared + BLOCK * (p.columns + PANELS * PANEL)) * sizeof(float);
}

/* One task: the sums of a slab for row panels i0 .. i1 - 1 and some columns. */
struct patch {
    const struct plan *p;
    int64_t i0, i1, column, columns;
    float *c, *bias; /* where this slab's sums begin */
    float *packed_a, *packed_b;
    int64_t k, depth; /* the current block */
    int first;        /* of this slab */
    struct stretch {
        const char *at, *end;
    } ahead[2]; /* of A and of B: what the next block will read and nobody has asked for yet */
};

/* Where the next register tile may prefetch. */
static const char *look_ahead(struct patch *t) {
    struct stretch *next = &t->ahead[t->ahead[0].at >= t->ahead[0].end];
    const char *at = next->at;
    next->at += t->depth * CACHE_LINE;
    return at;
}

/* The rows of the next block: whole rows, of which this task needs its columns. */
static struct stretch rows_ahead(const struct patch *t, const float *matrix, int64_t width,
                                 int64_t column) {
    const float *at = matrix + (t->k + BLOCK) * width + column;
    return (struct stretch){(const char *)at, (const char *)(at + BLOCK * width)};
}

/* Brings rows k of a panel of A, `step` apart, to packed (unless NULL), and adds the sums over k to
 * bias (unless NULL). Lanes beyond `rows` are read, but never used, where A has them. */
static inline __attribute__((always_inline)) void take_panel(const float *source, int64_t step,
                                                             int64_t depth, int64_t rows,
                                                             int64_t width, float *packed,
                                                             float *bias) {
    vec sum[PANEL / LANES] = {0};
    float total[PANEL];
    for (int64_t k = 0; k < depth; k++)
        for (int v = 0; v < PANEL / LANES; v++) {
            const float *from = source + k * step + v * LANES;
            int64_t here = least(LANES, width - v * LANES);
            vec x = here == LANES ? vec_load(from) : vec_load_part(from, here > 0 ? here : 0);
            if (packed)
                vec_store(packed + k * PANEL + v * LANES, x);
            sum[v] += x;
        }
    memcpy(total, sum, sizeof total);
    for (int64_t i = 0; bias && i < rows; i++)
        bias[i] += total[i];
}

static void pack_b(const struct patch *t) {
    const struct gemm_tall *g = t->p->g;
    const float *source = g->b + t->k * g->n + t->column;
    for (int64_t j = 0; j < t->columns; j += GEMM_COLUMNS)
        FALLBACK(gemm_pack)
    (t->packed_b + j * t->depth, GEMM_COLUMNS, source + j, 1, g->n,
     least(GEMM_COLUMNS, t->columns - j), t->depth);
}

/* Packs panel i to place q, where it is packed at all, and takes its sums while it is in the cache.
 */
static void take_a(const struct patch *t, int64_t i, int64_t q) {
    const struct plan *p = t->p;
    const struct gemm_tall *g = p->g;
    int64_t row = i * p->rows, rows = least(p->rows, g->m - row), width = least(PANEL, g->m - row);
    const float *source = g->a + t->k * g->m + row;
    float *packed = p->pack_a ? t->packed_a + q * PANEL * t->depth : NULL;
    float *bias = t->bias ? t->bias + row : NULL;
    if (!packed && !bias)
        return;
    if (width == PANEL)
        take_panel(source, g->m, t->depth, rows, PANEL, packed, bias);
    else
        take_panel(source, g->m, t->depth, rows, width, packed, bias);
}

static void multiply(struct patch *t, int64_t i, int64_t q, int64_t j) {
    const struct plan *p = t->p;
    const struct gemm_tall *g = p->g;
    int64_t row = i * p->rows, column = t->column + j;
    const struct gemm_tile tile = {
        .rows = least(p->rows, g->m - row),
        .columns = least(GEMM_COLUMNS, t->columns - j),
        .k = t->depth,
        .a = p->pack_a ? t->packed_a + q * PANEL * t->depth : g->a + t->k * g->m + row,
        .a_row = 1,
        .a_column = p->pack_a ? PANEL : g->m,
        .b = p->pack_b ? t->packed_b + j * t->depth : g->b + t->k * g->n + column,
        .b_row = p->pack_b ? GEMM_COLUMNS : g->n,
        .c = t->c + row * g->n + column,
        .c_row = g->n,
        .add = !t->first || (p->slabs == 1 && g->add),
        .ahead = look_ahead(t),
    };
    FALLBACK(gemm_tile)(&tile);
}

static void run_block(struct patch *t) {
    const struct plan *p = t->p;
    if (p->pack_b)
        pack_b(t);
    for (int64_t i = t->i0; i < t->i1; i += PANELS) {
        int64_t panels = least(PANELS, t->i1 - i);
        for (int64_t q = 0; q < panels; q++)
            take_a(t, i + q, q);
        for (int64_t j = 0; j < t->columns; j += GEMM_COLUMNS)
            for (int64_t q = 0; q < panels; q++)
                multiply(t, i + q, q, j);
    }
}

static void task(void *argument, int64_t index, int worker) {
    const struct plan *p = argument;
    const struct gemm_tall *g = p->g;
    int64_t down = index % p->down, across = index / p->down % p->across;
    int64_t slab = index / p->down / p->across;
    float *own = (float *)pdessm_pool_scratch(p->pool, worker) + p->shared;
    struct patch t = {
        .p = p,
        .i0 = down * p->height,
        .i1 = least((down + 1) * p->height, p->panels),
        .column = across * p->columns,
        .columns = least(p->columns, g->n - across * p->columns),
        .c = p->sums + slab * g->m * g->n,
        .bias = g->bias && across == 0 ? p->bias + slab * g->m : NULL,
        .packed_a = own,
        .packed_b = own + BLOCK * PANELS * PANEL,
        .first = 1,
    };
    int64_t row = t.i0 * p->rows, end = least((slab + 1) * p->slab, g->k);
    if (t.bias && !(p->slabs == 1 && g->add_bias))
        memset(t.bias + row, 0, (size_t)(least(t.i1 * p->rows, g->m) - row) * sizeof *t.bias);
    for (t.k = slab * p->slab; t.k < end; t.k += BLOCK, t.first = 0) {
        t.depth = least(BLOCK, end - t.k);
        t.ahead[0] = rows_ahead(&t, g->a, g->m, row);
        t.ahead[1] = rows_ahead(&t, g->b, g->n, t.column);
        run_block(&t);
    }
}

/* to[begin .. end) [+]= the sum of all slabs, each `size` long. */
static void add_slabs(const float *slab, int64_t slabs, int64_t size, float *to, int add,
                      int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; e++) {
        float sum = add ? to[e] : 0.0f;
        for (int64_t s = 0; s < slabs; s++)
            sum += slab[s * size + e];
        to[e] = sum;
    }
}

static void add_up(void *argument, int64_t begin, int64_t end) {
    const struct plan *p = argument;
    const struct gemm_tall *g = p->g;
    add_slabs(p->sums, p->slabs, g->m * g->n, g->c, g->add, begin, end);
}

void FALLBACK(gemm_tall)(pdessm_pool *pool, const struct gemm_tall *g) {
    struct plan p = make_plan(g);
    int workers = pdessm_pool_workers(pool);
    p.pool = pool;
    p.sums = p.slabs > 1 ? pdessm_pool_scratch(pool, 0) : g->c;
    p.bias = p.slabs > 1 ? p.sums + padded(p.slabs * g->m * g->n) : g->bias;
    /* About two tasks for each worker. */
    p.height = ceil_div(p.panels, ceil_div(workers > 1 ? 2 * workers : 1, p.slabs * p.across));
    p.down = ceil_div(p.panels, p.height);
    pdessm_parallel(pool, p.slabs * p.across * p.down, task, &p);
    if (p.slabs == 1)
        return;
    for_pieces(pool, g->m * g->n, PIECE / 4, add_up, &p);
    if (g->bias)
        add_slabs(p.bias, p.slabs, g->m, g->bias, g->add_bias, 0, g->m);
}
