/* SPDX-License-Identifier: MIT */
/* depthwise_conv.c: y[b,i,j,c] = bias[c] + sum of weight[c,p,q] u[b,i+p-1,j+q-1,c] over a window of
 * 3 x 3, zero outside of the image. Memory is the limit: three rows of an image stay in the second
 * cache, so forward reads u once and writes y once. */
#include "columns.h"
#include "fallback.h"
#include "simd.h"

enum {
    TAPS = 9,
    BLOCK =
        256, /* channels at a time: weights and one pixel's neighbours stay in the first cache */
    SUMS = TAPS + 1
};

struct conv {
    pdessm_pool *pool;
    int64_t height, width, channels;
    const float *u, *weight, *bias;
    float *y;
    int mirrored, add; /* mirrored: the window turned by half a turn, which makes the adjoint */
    int64_t rows, row_block, column_blocks; /* rows of all images */
};

/* [C, 3, 3] to [9, BLOCK] of channels [first, first + n), for loops along channels. */
static void turn_weights(const struct conv *g, int64_t first, int64_t n, float *restrict to) {
    for (int64_t c = 0; c < n; c++)
        for (int64_t k = 0; k < TAPS; k++)
            to[k * BLOCK + c] = g->weight[(first + c) * TAPS + (g->mirrored ? TAPS - 1 - k : k)];
}

/* y (+)= bias + sum of w[k] u[k]; u: the nine neighbours of a pixel. */
static void pixel(int64_t n, const float *const u[TAPS], const float *restrict w,
                  const float *restrict bias, float *restrict y, int add) {
    const float *restrict u0 = u[0], *restrict u1 = u[1], *restrict u2 = u[2];
    const float *restrict u3 = u[3], *restrict u4 = u[4], *restrict u5 = u[5];
    const float *restrict u6 = u[6], *restrict u7 = u[7], *restrict u8 = u[8];
    for (int64_t c = 0; c < n; c++) {
        const float *restrict v = w + c;
        float above = v[0] * u0[c] + v[BLOCK] * u1[c] + v[2 * BLOCK] * u2[c];
        float here = v[3 * BLOCK] * u3[c] + v[4 * BLOCK] * u4[c] + v[5 * BLOCK] * u5[c];
        float below = v[6 * BLOCK] * u6[c] + v[7 * BLOCK] * u7[c] + v[8 * BLOCK] * u8[c];
        y[c] = (add ? y[c] : 0.0f) + (bias[c] + above + (here + below));
    }
}

/* Row `row` of all images' rows, channels [first, first + n). */
static void convolve_row(const struct conv *g, int64_t row, int64_t first, int64_t n,
                         const float *w, const float *bias, const float *zero) {
    int64_t i = row % g->height, stride = g->channels;
    for (int64_t j = 0; j < g->width; j++) {
        const float *u[TAPS];
        for (int k = 0; k < TAPS; k++) {
            int64_t y = i + k / 3 - 1, x = j + k % 3 - 1;
            int inside = y >= 0 && y < g->height && x >= 0 && x < g->width;
            u[k] = inside ? g->u + ((row + k / 3 - 1) * g->width + x) * stride + first : zero;
        }
        pixel(n, u, w, bias, g->y + (row * g->width + j) * stride + first, g->add);
    }
}

static void convolve(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct conv *g = argument;
    float w[TAPS * BLOCK], bias[BLOCK] = {0}, zero[BLOCK] = {0};
    int64_t first = index % g->column_blocks * BLOCK, n = least(BLOCK, g->channels - first);
    int64_t begin = index / g->column_blocks * g->row_block;
    turn_weights(g, first, n, w);
    if (g->bias)
        memcpy(bias, g->bias + first, (size_t)n * sizeof *bias);
    for (int64_t row = begin; row < least(begin + g->row_block, g->rows); row++)
        convolve_row(g, row, first, n, w, bias, zero);
}

static void convolve_all(struct conv *g, int64_t rows) {
    g->rows = rows;
    g->row_block = most(1, PIECE / (g->width * least(g->channels, BLOCK)));
    g->column_blocks = ceil_div(g->channels, BLOCK);
    pdessm_parallel(g->pool, ceil_div(rows, g->row_block) * g->column_blocks, convolve, g);
}

void FALLBACK(depthwise_conv_forward)(pdessm_pool *pool, int64_t batch, int64_t height,
                                      int64_t width, int64_t channels, const float *u,
                                      const float *weight, const float *bias, float *y) {
    struct conv g = {.pool = pool,
                     .height = height,
                     .width = width,
                     .channels = channels,
                     .u = u,
                     .weight = weight,
                     .bias = bias,
                     .y = y};
    convolve_all(&g, batch * height);
}

/* ------------------------------------------------------------------ weights */

struct sums {
    pdessm_pool *pool;
    int64_t height, width, channels;
    const float *u, *dy;
    float *dweight;
    int add;
    struct cut cut; /* of the rows of all images */
};

static vec load(const float *p, int64_t lanes) {
    return lanes == LANES ? vec_load(p) : vec_load_part(p, lanes);
}

/* Adds one row of an image to the ten sums of up to LANES channels: dy times each of the nine
 * neighbours, and dy. A window of 3 x 3 slides along the row, so that each u is loaded once. */
static void sum_row(const struct sums *g, int64_t row, int64_t channel, int64_t lanes,
                    vec sum[SUMS]) {
    int64_t i = row % g->height, stride = g->channels;
    const float *dy = g->dy + row * g->width * stride + channel;
    vec window[3][3] = {{{0}}};
    for (int64_t j = -1; j < g->width; j++) {
        vec d = j < 0 ? (vec){0} : load(dy + j * stride, lanes);
        for (int p = 0; p < 3; p++) {
            int inside = i + p >= 1 && i + p <= g->height && j + 1 < g->width;
            const float *next = g->u + ((row + p - 1) * g->width + j + 1) * stride + channel;
            window[p][0] = window[p][1];
            window[p][1] = window[p][2];
            window[p][2] = inside ? load(next, lanes) : (vec){0};
            for (int q = 0; q < 3; q++)
                sum[3 * p + q] += d * window[p][q];
        }
        sum[TAPS] += d;
    }
}

static void sum_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct sums *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    float *slot = cut_slot(&g->cut, g->pool, index);
    int64_t block = g->cut.column_block;
    memset(slot, 0, (size_t)(SUMS * block) * sizeof *slot);
    for (int64_t row = p.row_begin; row < p.row_end; row++)
        for (int64_t c = 0; c < p.width; c += LANES) {
            int64_t lanes = least(LANES, p.width - c);
            vec sum[SUMS] = {{0}};
            sum_row(g, row, p.column + c, lanes, sum);
            for (int k = 0; k < SUMS; k++)
                vec_store_part(slot + k * block + c, load(slot + k * block + c, lanes) + sum[k],
                               lanes);
        }
}

/* dweight [C, 3, 3] from the slots of one block of channels. */
static void total(void *argument, int64_t block, int worker) {
    (void)worker;
    const struct sums *g = argument;
    const struct cut *c = &g->cut;
    struct piece p = cut_piece(c, block);
    for (int64_t k = 0; k < TAPS; k++)
        for (int64_t j = 0; j < p.width; j++) {
            float *to = g->dweight + (p.column + j) * TAPS + k, all = 0.0f;
            for (int64_t r = 0; r < c->row_blocks; r++)
                all += cut_slot(c, g->pool, block + r * c->column_blocks)[k * c->column_block + j];
            *to = (g->add ? *to : 0.0f) + all;
        }
}

/* A piece is at least a few rows, and as many tokens as other sums over rows take. */
static struct cut cut_images(int64_t batch, int64_t height, int64_t width, int64_t channels) {
    struct cut c = cut_rows(1, batch * height, channels, BLOCK, SUMS);
    c.row_block = most(ceil_div(batch * height, CUT_PIECES), ceil_div(4 * CUT_ROWS, width));
    c.row_blocks = ceil_div(c.rows, c.row_block);
    return c;
}

size_t FALLBACK(depthwise_conv_scratch)(pdessm_pool *pool, int64_t batch, int64_t height,
                                        int64_t width, int64_t channels) {
    struct cut cut = cut_images(batch, height, width, channels);
    return cut_scratch(&cut, pool);
}

void FALLBACK(depthwise_conv_backward)(pdessm_pool *pool, int64_t batch, int64_t height,
                                       int64_t width, int64_t channels, const float *u,
                                       const float *weight, const float *dy, float *du, int add_u,
                                       float *dweight, int add_weight, float *dbias, int add_bias) {
    struct conv adjoint = {.pool = pool,
                           .height = height,
                           .width = width,
                           .channels = channels,
                           .u = dy,
                           .weight = weight,
                           .y = du,
                           .mirrored = 1,
                           .add = add_u};
    struct sums g = {.pool = pool,
                     .height = height,
                     .width = width,
                     .channels = channels,
                     .u = u,
                     .dy = dy,
                     .dweight = dweight,
                     .add = add_weight,
                     .cut = cut_images(batch, height, width, channels)};
    if (du)
        convolve_all(&adjoint, batch * height);
    if (!dweight && !dbias)
        return;
    pdessm_parallel(pool, cut_pieces(&g.cut), sum_piece, &g);
    cut_sum(pool, &g.cut, TAPS, dbias, add_bias);
    if (dweight)
        pdessm_parallel(pool, g.cut.column_blocks, total, &g);
}
