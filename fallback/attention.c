/* SPDX-License-Identifier: MIT */
/* attention.c: softmax attention without the tokens x tokens matrix (Dao et al., FlashAttention):
 * scores of a block of queries with a block of keys live in a cache-sized buffer, the softmax's
 * maximum and sum are corrected from block to block, and the backward pass computes the scores
 * again. The products run on the register tiles of gemm_tile.c.
 *
 * A task is one head of one image; what it needs of keys and values is packed once. */
#include <float.h>
#include <math.h>

#include "elementwise.h"
#include "gemm.h"

/* The scores of a block: at most 56 x 512, 112 KB. */
enum { QUERIES = 4 * GEMM_ROWS, KEYS = 512 };

struct job {
    const pdessm_attention_job *a;
    pdessm_pool *pool;
    float *to_y, *to_lse;      /* forward */
    const float *y, *lse, *dy; /* backward */
    float *dqkv;
    int add;
};

/* The current head. Rows of q, k, v are `row` apart, those of y are `row` / 3. */
struct head {
    const float *q, *k, *v, *y, *lse, *dy;
    float *to_y, *to_lse, *dq, *dk, *dv;
    int64_t tokens, width, row;
    float scale;
    int add;
    /* Packed panels. By width: [panel of tokens][width][GEMM_COLUMNS]; by token: [panel of
     * width][tokens][GEMM_COLUMNS]. */
    float *k_by_width, *v_by_width, *k_by_token, *v_by_token, *q_by_token, *dy_by_token;
    float *scores, *slopes; /* [QUERIES][stride] */
    int64_t stride;
    float *delta; /* [QUERIES] */
};

static int64_t padded(int64_t n) {
    return ceil_div(n, GEMM_COLUMNS) * GEMM_COLUMNS;
}

/* ------------------------------------------------------------------ packed operands */

static void pack_by_width(const struct head *h, const float *source, int64_t row, float *to) {
    for (int64_t j = 0; j < h->tokens; j += GEMM_COLUMNS)
        FALLBACK(gemm_pack)
    (to + j * h->width, GEMM_COLUMNS, source + j * row, row, 1, least(GEMM_COLUMNS, h->tokens - j),
     h->width);
}

/* `count` tokens, which are also the length of the panels. */
static void pack_by_token(const struct head *h, const float *source, int64_t row, int64_t count,
                          float *to) {
    for (int64_t j = 0; j < h->width; j += GEMM_COLUMNS)
        FALLBACK(gemm_pack)
    (to + j * count, GEMM_COLUMNS, source + j, 1, row, least(GEMM_COLUMNS, h->width - j), count);
}

/* to [queries][stride] = rows . columns^T over the width, for keys k0 .. k0 + keys - 1. Whole
 * vectors are written: up to LANES - 1 columns beyond the last key hold zeros. */
static void products(const struct head *h, const float *rows, int64_t row, const float *columns,
                     int64_t queries, int64_t k0, int64_t keys, float *to) {
    for (int64_t j = 0; j < keys; j += GEMM_COLUMNS)
        for (int64_t i = 0; i < queries; i += GEMM_ROWS) {
            const struct gemm_tile tile = {
                .rows = least(GEMM_ROWS, queries - i),
                .columns = least(GEMM_COLUMNS, ceil_div(keys - j, LANES) * LANES),
                .k = h->width,
                .a = rows + i * row,
                .a_row = row,
                .a_column = 1,
                .b = columns + (k0 + j) * h->width,
                .b_row = GEMM_COLUMNS,
                .c = to + i * h->stride + j,
                .c_row = h->stride,
                .ahead = columns + (k0 + j) * h->width,
            };
            FALLBACK(gemm_tile)(&tile);
        }
}

/* to [m][width], `row` apart, [+]= matrix [m][depth] (strides) times tokens k0 .. of packed panels
 * that are `count` long. */
static void weighted(const struct head *h, int64_t m, int64_t depth, const float *matrix,
                     int64_t matrix_row, int64_t matrix_column, const float *panels, int64_t count,
                     int64_t k0, float *to, int64_t row, int add) {
    for (int64_t j = 0; j < h->width; j += GEMM_COLUMNS)
        for (int64_t i = 0; i < m; i += GEMM_ROWS) {
            const struct gemm_tile tile = {
                .rows = least(GEMM_ROWS, m - i),
                .columns = least(GEMM_COLUMNS, h->width - j),
                .k = depth,
                .a = matrix + i * matrix_row,
                .a_row = matrix_row,
                .a_column = matrix_column,
                .b = panels + j * count + k0 * GEMM_COLUMNS,
                .b_row = GEMM_COLUMNS,
                .c = to + i * row + j,
                .c_row = row,
                .add = add,
                .ahead = panels + j * count + k0 * GEMM_COLUMNS,
            };
            FALLBACK(gemm_tile)(&tile);
        }
}

/* ------------------------------------------------------------------ forward */

/* Sums and maxima across a vector go by quarters: fewer steps in line than lane by lane. */
typedef float quad __attribute__((vector_size(16)));

static quad quarter(vec v, int i) {
    quad q;
    memcpy(&q, (const char *)&v + (size_t)i * sizeof q, sizeof q);
    return q;
}

static float sum_across(vec v) {
    quad q = quarter(v, 0);
    for (int i = 1; i < LANES / 4; i++)
        q += quarter(v, i);
    return (q[0] + q[2]) + (q[1] + q[3]);
}

static vec larger(vec a, vec b) {
    veci above = a > b;
    return (vec)((above & (veci)a) | (~above & (veci)b));
}

static float largest_across(vec v) {
    quad q = quarter(v, 0);
    for (int i = 1; i < LANES / 4; i++)
        for (int l = 0; l < 4; l++)
            q[l] = quarter(v, i)[l] > q[l] ? quarter(v, i)[l] : q[l];
    float a = q[0] > q[2] ? q[0] : q[2], b = q[1] > q[3] ? q[1] : q[3];
    return a > b ? a : b;
}

/* What a query knows of the keys it has seen. */
struct softmax {
    float largest, sum;
};

/* Turns scores into weights exp(scale (score - largest)) and accounts for them; the answer is the
 * factor for what was summed up with the largest score of before. n is a multiple of LANES. */
static float weigh(struct softmax *state, float *restrict score, int64_t n, float scale) {
    vec high = vec_load(score), sum = {0};
    for (int64_t j = LANES; j < n; j += LANES)
        high = larger(vec_load(score + j), high);
    float before = state->largest, largest = largest_across(high);
    largest = largest > before ? largest : before;
    for (int64_t j = 0; j < n; j++)
        score[j] = exp_fast(scale * (score[j] - largest));
    for (int64_t j = 0; j < n; j += LANES)
        sum += vec_load(score + j);
    float factor = state->sum > 0.0f ? exp_fast(scale * (before - largest)) : 0.0f;
    state->sum = state->sum * factor + sum_across(sum);
    state->largest = largest;
    return factor;
}

static void scale_row(float *restrict y, int64_t n, float factor) {
    for (int64_t j = 0; j < n; j++)
        y[j] *= factor;
}

static void forward_queries(const struct head *h, int64_t q0, int64_t queries) {
    struct softmax state[QUERIES];
    const int64_t y_row = h->row / 3;
    float *y = h->to_y + q0 * y_row;
    for (int64_t i = 0; i < queries; i++)
        state[i] = (struct softmax){.largest = -FLT_MAX};
    for (int64_t k0 = 0; k0 < h->tokens; k0 += KEYS) {
        int64_t keys = least(KEYS, h->tokens - k0), whole = ceil_div(keys, LANES) * LANES;
        products(h, h->q + q0 * h->row, h->row, h->k_by_width, queries, k0, keys, h->scores);
        for (int64_t i = 0; i < queries; i++) {
            float *score = h->scores + i * h->stride;
            for (int64_t j = keys; j < whole; j++)
                score[j] = -FLT_MAX; /* weighs nothing: exp_fast(-huge) is 1e-38 */
            float factor = weigh(&state[i], score, whole, h->scale);
            if (k0 > 0)
                scale_row(y + i * y_row, h->width, factor);
        }
        weighted(h, queries, keys, h->scores, h->stride, 1, h->v_by_token, h->tokens, k0, y, y_row,
                 k0 > 0);
    }
    for (int64_t i = 0; i < queries; i++) {
        scale_row(y + i * y_row, h->width, 1.0f / state[i].sum);
        h->to_lse[q0 + i] = h->scale * state[i].largest + logf(state[i].sum);
    }
}

/* ------------------------------------------------------------------ backward */

/* scores -> weights p = exp(scale score - lse); slopes = d loss / d p ->
 * d loss / d (q . k) = scale p (slope - delta), delta = sum over keys of p slope = y . dy. */
static void slopes_of_row(float *restrict score, float *restrict slope, int64_t n, float scale,
                          float lse, float delta) {
    for (int64_t j = 0; j < n; j++) {
        float p = exp_fast(scale * score[j] - lse);
        score[j] = p;
        slope[j] = scale * p * (slope[j] - delta);
    }
}

static float dot(const float *restrict a, const float *restrict b, int64_t n) {
    float sum = 0.0f;
    for (int64_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

static void backward_queries(const struct head *h, int64_t q0, int64_t queries) {
    const int64_t y_row = h->row / 3;
    const float *q = h->q + q0 * h->row, *dy = h->dy + q0 * y_row;
    for (int64_t i = 0; i < queries; i++)
        h->delta[i] = dot(h->y + (q0 + i) * y_row, dy + i * y_row, h->width);
    pack_by_token(h, q, h->row, queries, h->q_by_token);
    pack_by_token(h, dy, y_row, queries, h->dy_by_token);
    for (int64_t k0 = 0; k0 < h->tokens; k0 += KEYS) {
        int64_t keys = least(KEYS, h->tokens - k0);
        products(h, q, h->row, h->k_by_width, queries, k0, keys, h->scores);
        products(h, dy, y_row, h->v_by_width, queries, k0, keys, h->slopes);
        for (int64_t i = 0; i < queries; i++)
            slopes_of_row(h->scores + i * h->stride, h->slopes + i * h->stride, keys, h->scale,
                          h->lse[q0 + i], h->delta[i]);
        weighted(h, queries, keys, h->slopes, h->stride, 1, h->k_by_token, h->tokens, k0,
                 h->dq + q0 * h->row, h->row, h->add || k0 > 0);
        weighted(h, keys, queries, h->slopes, 1, h->stride, h->q_by_token, queries, 0,
                 h->dk + k0 * h->row, h->row, h->add || q0 > 0);
        weighted(h, keys, queries, h->scores, 1, h->stride, h->dy_by_token, queries, 0,
                 h->dv + k0 * h->row, h->row, h->add || q0 > 0);
    }
}

/* ------------------------------------------------------------------ tasks */

/* The next n floats of a worker's scratch; pieces begin at multiples of 64 bytes. Without a base
 * they are only counted. */
static float *carve(float *base, int64_t *used, int64_t n) {
    float *piece = base ? base + *used : NULL;
    *used += ceil_div(n, 16) * 16;
    return piece;
}

/* Lays out a head's scratch; the answer is its size in floats. */
static int64_t lay_out(struct head *h, float *base, int backward) {
    int64_t by_width = padded(h->tokens) * h->width, by_token = h->tokens * padded(h->width);
    /* Not a multiple of 1 KB: rows that share cache sets would push each other out. */
    h->stride = padded(least(h->tokens, KEYS)) + LANES;
    int64_t used = 0, queries_by_token = QUERIES * padded(h->width);
    h->k_by_width = carve(base, &used, by_width);
    h->scores = carve(base, &used, QUERIES * h->stride);
    if (!backward) {
        h->v_by_token = carve(base, &used, by_token);
        return used;
    }
    h->v_by_width = carve(base, &used, by_width);
    h->k_by_token = carve(base, &used, by_token);
    h->slopes = carve(base, &used, QUERIES * h->stride);
    h->q_by_token = carve(base, &used, queries_by_token);
    h->dy_by_token = carve(base, &used, queries_by_token);
    h->delta = carve(base, &used, QUERIES);
    return used;
}

size_t FALLBACK(attention_scratch)(const pdessm_attention_job *a, int backward) {
    struct head h = {.tokens = a->tokens, .width = a->width};
    return (size_t)lay_out(&h, NULL, backward) * sizeof(float);
}

static struct head head_of(const struct job *job, int64_t index, int worker, int backward) {
    const pdessm_attention_job *a = job->a;
    int64_t c = a->heads * a->width, image = index / a->heads, head = index % a->heads;
    int64_t in = image * a->tokens * 3 * c + head * a->width;
    int64_t out = image * a->tokens * c + head * a->width;
    struct head h = {
        .q = a->qkv + in,
        .k = a->qkv + in + c,
        .v = a->qkv + in + 2 * c,
        .tokens = a->tokens,
        .width = a->width,
        .row = 3 * c,
        .scale = 1.0f / sqrtf((float)a->width),
        .add = job->add,
    };
    if (backward) {
        h.y = job->y + out;
        h.lse = job->lse + index * a->tokens;
        h.dy = job->dy + out;
        h.dq = job->dqkv + in;
        h.dk = h.dq + c;
        h.dv = h.dq + 2 * c;
    } else {
        h.to_y = job->to_y + out;
        h.to_lse = job->to_lse + index * a->tokens;
    }
    lay_out(&h, pdessm_pool_scratch(job->pool, worker), backward);
    return h;
}

static void forward_task(void *argument, int64_t index, int worker) {
    struct head h = head_of(argument, index, worker, 0);
    pack_by_width(&h, h.k, h.row, h.k_by_width);
    pack_by_token(&h, h.v, h.row, h.tokens, h.v_by_token);
    for (int64_t q0 = 0; q0 < h.tokens; q0 += QUERIES)
        forward_queries(&h, q0, least(QUERIES, h.tokens - q0));
}

static void backward_task(void *argument, int64_t index, int worker) {
    struct head h = head_of(argument, index, worker, 1);
    pack_by_width(&h, h.k, h.row, h.k_by_width);
    pack_by_width(&h, h.v, h.row, h.v_by_width);
    pack_by_token(&h, h.k, h.row, h.tokens, h.k_by_token);
    for (int64_t q0 = 0; q0 < h.tokens; q0 += QUERIES)
        backward_queries(&h, q0, least(QUERIES, h.tokens - q0));
}

void FALLBACK(attention_forward)(pdessm_pool *pool, const pdessm_attention_job *a, float *y,
                                 float *lse) {
    pdessm_parallel(pool, a->batch * a->heads, forward_task,
                    &(struct job){.a = a, .pool = pool, .to_y = y, .to_lse = lse});
}

void FALLBACK(attention_backward)(pdessm_pool *pool, const pdessm_attention_job *a, const float *y,
                                  const float *lse, const float *dy, float *dqkv, int add) {
    pdessm_parallel(
        pool, a->batch * a->heads, backward_task,
        &(struct job){
            .a = a, .pool = pool, .lse = lse, .y = y, .dy = dy, .dqkv = dqkv, .add = add});
}
