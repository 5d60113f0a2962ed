/* SPDX-License-Identifier: MIT */
/* gemm_tile.c: the innermost loop of matrix products, and the packing that feeds it. */
#include "gemm.h"

#define INLINE static inline __attribute__((always_inline))

/* EACH_ROW(F): F(0) .. F(GEMM_ROWS - 1). Loops would do, if all compilers unrolled them. */
#define EACH_ROW_6(F) F(0) F(1) F(2) F(3) F(4) F(5)
#if defined(__AVX512F__)
#define EACH_ROW(F) EACH_ROW_6(F) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#else
#define EACH_ROW(F) EACH_ROW_6(F)
#endif

/* Rows in groups of three, so that the addresses p, p + step, p + 2 step of one group need one
 * pointer: five pointers serve 14 rows. */
enum { GROUP = 3, GROUPS = (GEMM_ROWS + GROUP - 1) / GROUP };

/* A subtraction of zero vanishes, where an addition would turn -0 into 0 and so has to stay. */
INLINE vec splat(float x) {
    return x - (vec){0};
}

/* Adds what C starts from, then writes one row of sums. */
INLINE void finish(float *c, int add, const float *bias, const vec *sum, const int vectors) {
    for (int v = 0; v < vectors; v++) {
        vec total = sum[v];
        if (add)
            total += vec_load(c + v * LANES);
        if (bias)
            total += vec_load(bias + v * LANES);
        vec_store(c + v * LANES, total);
    }
}

/* rows and vectors are constants wherever this is expanded, so that sum[][] lives in registers. */
INLINE void run_tile(const struct gemm_tile *t, const int rows, const int vectors) {
    const float *p[GROUPS], *b = t->b;
    const int64_t step = t->a_row, advance = t->a_column;
    vec sum[GEMM_ROWS][2];
#define F(i)                                                                                       \
    if (i < GROUPS)                                                                                \
        p[i % GROUPS] = t->a + i * GROUP * step;                                                   \
    sum[i][0] = sum[i][1] = (vec){0};
    EACH_ROW(F)
#undef F
    const char *ahead = t->ahead;
#define F(i)                                                                                       \
    if (i < rows) {                                                                                \
        prefetch(t->c + i * t->c_row);                                                             \
        if (vectors > 1)                                                                           \
            prefetch(t->c + i * t->c_row + LANES);                                                 \
    }
    EACH_ROW(F)
#undef F
    for (int64_t k = 0; k < t->k; k++) {
        prefetch(ahead);
        ahead += CACHE_LINE;
        vec b0 = vec_load(b), b1 = vectors > 1 ? vec_load(b + LANES) : b0;
#define F(i)                                                                                       \
    if (i < rows) {                                                                                \
        vec a = splat(p[i / GROUP][i % GROUP * step]);                                             \
        sum[i][0] += a * b0;                                                                       \
        if (vectors > 1)                                                                           \
            sum[i][1] += a * b1;                                                                   \
    }
        EACH_ROW(F)
#undef F
#define F(i)                                                                                       \
    if (i < GROUPS && i * GROUP < rows)                                                            \
        p[i % GROUPS] += advance;
        EACH_ROW(F)
#undef F
        b += t->b_row;
    }
    float *c = t->c;
    const int64_t c_row = t->c_row;
    const float *bias = t->bias;
    const int add = t->add;
#define F(i)                                                                                       \
    if (i < rows)                                                                                  \
        finish(c + i * c_row, add, bias, sum[i], vectors);
    if (add || bias) {
        EACH_ROW(F)
        return;
    }
#undef F
#define F(i)                                                                                       \
    if (i < rows)                                                                                  \
        finish(c + i * c_row, 0, NULL, sum[i], vectors);
    EACH_ROW(F)
#undef F
}

/* One expansion for each height of the register tile. */
#define F(i)                                                                                       \
    case i + 1:                                                                                    \
        run_tile(t, i + 1, VECTORS);                                                               \
        break;

#define VECTORS 1
static void narrow(const struct gemm_tile *t) {
    switch (t->rows) { EACH_ROW(F) }
}
#undef VECTORS

#define VECTORS 2
static void wide(const struct gemm_tile *t) {
    switch (t->rows) { EACH_ROW(F) }
}
#undef VECTORS
#undef F

/* Writes the tile's first columns where the registers would write whole vectors. */
static void finish_edge(const struct gemm_tile *t, const float *whole) {
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j++) {
            float *c = t->c + i * t->c_row + j;
            float start = (t->add ? *c : 0.0f) + (t->bias ? t->bias[j] : 0.0f);
            *c = whole[i * GEMM_COLUMNS + j] + start;
        }
}

static void edge(const struct gemm_tile *t) {
    float whole[GEMM_ROWS * GEMM_COLUMNS];
    struct gemm_tile inner = *t;
    inner.c = whole;
    inner.c_row = GEMM_COLUMNS;
    inner.add = 0;
    inner.bias = NULL;
    if (t->columns <= LANES)
        narrow(&inner);
    else
        wide(&inner);
    finish_edge(t, whole);
}

void FALLBACK(gemm_tile)(const struct gemm_tile *t) {
    if (t->columns % LANES != 0)
        edge(t);
    else if (t->columns <= LANES)
        narrow(t);
    else
        wide(t);
}

/* Four numbers: the size at which a transpose costs every instruction set the same. */
typedef float quad __attribute__((vector_size(16)));

INLINE quad load_quad(const float *p) {
    quad q;
    memcpy(&q, p, sizeof q);
    return q;
}

/* panel[k][i] = source[i][k] for a 4 x 4 block. */
INLINE void transpose_quad(float *panel, int64_t stride, const float *source, int64_t step) {
    quad r0 = load_quad(source), r1 = load_quad(source + step);
    quad r2 = load_quad(source + 2 * step), r3 = load_quad(source + 3 * step);
    quad low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
    quad low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    quad high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    quad high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    quad column[4] = {
        __builtin_shufflevector(low01, low23, 0, 1, 4, 5),
        __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
        __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
        __builtin_shufflevector(high01, high23, 2, 3, 6, 7),
    };
    for (int k = 0; k < 4; k++)
        memcpy(panel + k * stride, &column[k], sizeof column[k]);
}

static void pack_one(float *panel, int64_t stride, const float *source, int64_t step,
                     int64_t depth_step, int64_t width, int64_t depth) {
    for (int64_t k = 0; k < depth; k++)
        for (int64_t i = 0; i < width; i++)
            panel[k * stride + i] = source[i * step + k * depth_step];
}

/* source is contiguous along the depth. */
static void pack_transposed(float *panel, int64_t stride, const float *source, int64_t step,
                            int64_t width, int64_t depth) {
    int64_t w4 = width / 4 * 4, d4 = depth / 4 * 4;
    for (int64_t k = 0; k < d4; k += 4)
        for (int64_t i = 0; i < w4; i += 4)
            transpose_quad(panel + k * stride + i, stride, source + i * step + k, step);
    pack_one(panel + w4, stride, source + w4 * step, step, 1, width - w4, d4);
    pack_one(panel + d4 * stride, stride, source + d4, step, 1, width, depth - d4);
}

/* source is contiguous along the width. Constant widths become a few moves. */
static void pack_rows(float *panel, int64_t stride, const float *source, int64_t depth_step,
                      int64_t width, int64_t depth) {
    for (int64_t k = 0; k < depth; k++) {
        float *to = panel + k * stride;
        const float *from = source + k * depth_step;
        if (width == GEMM_COLUMNS)
            memcpy(to, from, GEMM_COLUMNS * sizeof *to);
        else if (width == GEMM_ROWS)
            memcpy(to, from, GEMM_ROWS * sizeof *to);
        else
            memcpy(to, from, (size_t)width * sizeof *to);
    }
}

void FALLBACK(gemm_pack)(float *panel, int64_t stride, const float *source, int64_t step,
                         int64_t depth_step, int64_t width, int64_t depth) {
    if (step == 1)
        pack_rows(panel, stride, source, depth_step, width, depth);
    else if (depth_step == 1)
        pack_transposed(panel, stride, source, step, width, depth);
    else
        pack_one(panel, stride, source, step, depth_step, width, depth);
    for (int64_t k = 0; k < depth && width < stride; k++)
        memset(panel + k * stride + width, 0, (size_t)(stride - width) * sizeof *panel);
}
