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
    SUMS = TAPS + 1,
    BEYOND_CACHE = 1 << 21 /* elements: of more than 8 MB nothing is left for who comes next */
};

struct conv {
    pdessm_pool *pool;
    int64_t height, width, channels;
    const float *u, *bias, *turned; /* turned: the weights, see turn_weights() */
    float *y;
    int stream, mirrored,
        add; /* mirrored: the window turned by half a turn, which makes the adjoint */
    int64_t rows, row_block, column_blocks; /* rows of all images */
};

/* [C, 3, 3] to [C / BLOCK, 9, BLOCK], for loops along channels. */
static void turn_weights(const struct conv *g, const float *weight, float *restrict to) {
    for (int64_t c = 0; c < g->channels; c++)
        for (int64_t k = 0; k < TAPS; k++)
            to[(c / BLOCK * TAPS + k) * BLOCK + c % BLOCK] =
                weight[c * TAPS + (g->mirrored ? TAPS - 1 - k : k)];
}

/* y (+)= bias + the window over the neighbours of a pixel, u [3 rows][3 columns]. */
static void one_pixel(int64_t n, const float *const u[3][4], const float *restrict w,
                      const float *restrict bias, float *restrict y, int add) {
    for (int64_t c = 0; c < n; c++) {
        float sum = add ? y[c] + bias[c] : bias[c];
        for (int p = 0; p < 3; p++)
            for (int q = 0; q < 3; q++)
                sum += w[(3 * p + q) * BLOCK + c] * u[p][q][c];
        y[c] = sum;
    }
}

/* The same for a pixel and the one to its right, `step` further in y, which share weights and most
 * of their neighbours: u [3 rows][4 columns]. */
static void two_pixels(int64_t n, const float *const u[3][4], const float *restrict w,
                       const float *restrict bias, float *restrict y, int64_t step, int add) {
    float *restrict right = y + step;
    const float *restrict a0 = u[0][0], *restrict a1 = u[0][1], *restrict a2 = u[0][2];
    const float *restrict b0 = u[1][0], *restrict b1 = u[1][1], *restrict b2 = u[1][2];
    const float *restrict c0 = u[2][0], *restrict c1 = u[2][1], *restrict c2 = u[2][2];
    const float *restrict a3 = u[0][3], *restrict b3 = u[1][3], *restrict c3 = u[2][3];
    for (int64_t c = 0; c < n; c++) {
        const float *restrict v = w + c;
        float l = bias[c] + v[0] * a0[c] + v[BLOCK] * a1[c] + v[2 * BLOCK] * a2[c];
        float r = bias[c] + v[0] * a1[c] + v[BLOCK] * a2[c] + v[2 * BLOCK] * a3[c];
        l += v[3 * BLOCK] * b0[c] + v[4 * BLOCK] * b1[c] + v[5 * BLOCK] * b2[c];
        r += v[3 * BLOCK] * b1[c] + v[4 * BLOCK] * b2[c] + v[5 * BLOCK] * b3[c];
        l += v[6 * BLOCK] * c0[c] + v[7 * BLOCK] * c1[c] + v[8 * BLOCK] * c2[c];
        r += v[6 * BLOCK] * c1[c] + v[7 * BLOCK] * c2[c] + v[8 * BLOCK] * c3[c];
        y[c] = add ? y[c] + l : l;
        right[c] = add ? right[c] + r : r;
    }
}

/* two_pixels() past the caches; n and the alignment of y are those of whole vectors. */
static void stream_pixels(int64_t n, const float *const u[3][4], const float *restrict w,
                          const float *restrict bias, float *restrict y, int64_t step) {
    float both[2 * BLOCK];
    two_pixels(n, u, w, bias, both, BLOCK, 0);
    for (int64_t pixel = 0; pixel < 2; pixel++)
        for (int64_t c = 0; c < n; c += LANES)
            vec_stream(y + pixel * step + c, vec_load(both + pixel * BLOCK + c));
}

/* Row `row` of all images' rows, channels [first, first + n). */
static void convolve_row(const struct conv *g, int64_t row, int64_t first, int64_t n,
                         const float *w, const float *bias, const float *zero) {
    int64_t i = row % g->height, stride = g->channels;
    for (int64_t j = 0, step; j < g->width; j += step) {
        const float *u[3][4];
        step = least(2, g->width - j);
        for (int64_t p = 0; p < 3; p++)
            for (int64_t q = 0; q < 4; q++) {
                int64_t y = i + p - 1, x = j + q - 1;
                int inside = y >= 0 && y < g->height && x >= 0 && x < g->width;
                u[p][q] = inside ? g->u + ((row + p - 1) * g->width + x) * stride + first : zero;
            }
        float *y = g->y + (row * g->width + j) * stride + first;
        if (g->stream && step == 2)
            stream_pixels(n, u, w, bias, y, stride);
        else if (step == 2)
            two_pixels(n, u, w, bias, y, stride, g->add);
        else
            one_pixel(n, u, w, bias, y, g->add);
    }
}

static void convolve(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct conv *g = argument;
    float bias[BLOCK] = {0}, zero[BLOCK] = {0};
    int64_t block = index % g->column_blocks, first = block * BLOCK;
    int64_t n = least(BLOCK, g->channels - first);
    int64_t begin = index / g->column_blocks * g->row_block;
    if (g->bias)
        memcpy(bias, g->bias + first, (size_t)n * sizeof *bias);
    for (int64_t row = begin; row < least(begin + g->row_block, g->rows); row++)
        convolve_row(g, row, first, n, g->turned + block * TAPS * BLOCK, bias, zero);
    vec_stream_end();
}

static void convolve_all(struct conv *g, int64_t rows, const float *weight) {
    float *turned = pdessm_pool_scratch(g->pool, 0);
    turn_weights(g, weight, turned);
    g->turned = turned;
    g->rows = rows;
    g->stream = rows * g->width * g->channels > BEYOND_CACHE && !g->add &&
                g->channels % LANES == 0 && (uintptr_t)g->y % sizeof(vec) == 0;
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
                     .bias = bias,
                     .y = y};
    convolve_all(&g, batch * height, weight);
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

/* lanes is a constant wherever this matters. */
static inline vec load(const float *p, int64_t lanes) {
    return lanes == LANES ? vec_load(p) : vec_load_part(p, lanes);
}

/* Adds one row of an image to the ten sums of `lanes` channels, which lie `block` apart: dy times
 * each of the nine neighbours, and dy. A window of 3 x 3 slides along the row, so that each u is
 * loaded once; what the next row wants first is asked for. */
static inline void sum_row(const struct sums *g, int64_t row, int64_t channel, int64_t lanes,
                           float *slot, int64_t block) {
    int64_t i = row % g->height, stride = g->channels, next_row = g->width * stride;
    const float *dy = g->dy + row * next_row + channel, *u = g->u + row * next_row + channel;
    int above = i > 0, below = i + 1 < g->height;
    vec zero = {0}, sum[SUMS], window[3][3];
    for (int k = 0; k < SUMS; k++)
        sum[k] = load(slot + k * block, lanes);
    for (int p = 0; p < 3; p++)
        window[p][0] = window[p][1] = window[p][2] = zero;
    for (int64_t j = 0; j <= g->width; j++) {
        int more = j < g->width;
        for (int p = 0; p < 3; p++) {
            window[p][0] = window[p][1];
            window[p][1] = window[p][2];
        }
        window[0][2] = more && above ? load(u + j * stride - next_row, lanes) : zero;
        window[1][2] = more ? load(u + j * stride, lanes) : zero;
        window[2][2] = more && below ? load(u + j * stride + next_row, lanes) : zero;
        if (j == 0)
            continue;
        vec d = load(dy + (j - 1) * stride, lanes);
        prefetch(dy + (j - 1) * stride + next_row);
        prefetch(u + (j - 1) * stride + 2 * next_row);
        for (int k = 0; k < TAPS; k++)
            sum[k] += d * window[k / 3][k % 3];
        sum[TAPS] += d;
    }
    for (int k = 0; k < SUMS; k++)
        vec_store_part(slot + k * block, sum[k], lanes);
}

static void sum_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct sums *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    float *slot = cut_slot(&g->cut, g->pool, index);
    int64_t block = g->cut.column_block, whole = p.width / LANES * LANES;
    memset(slot, 0, (size_t)(SUMS * block) * sizeof *slot);
    for (int64_t row = p.row_begin; row < p.row_end; row++) {
        for (int64_t c = 0; c < whole; c += LANES)
            sum_row(g, row, p.column + c, LANES, slot + c, block);
        if (whole < p.width)
            sum_row(g, row, p.column + whole, p.width - whole, slot + whole, block);
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

/* Turned weights of either pass, then the sums of the backward one. */
size_t FALLBACK(depthwise_conv_scratch)(pdessm_pool *pool, int64_t batch, int64_t height,
                                        int64_t width, int64_t channels, int backward) {
    struct cut cut = cut_images(batch, height, width, channels);
    size_t turned = (size_t)(ceil_div(channels, BLOCK) * TAPS * BLOCK) * sizeof(float);
    size_t sums = backward ? cut_scratch(&cut, pool) : 0;
    return turned > sums ? turned : sums;
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
        convolve_all(&adjoint, batch * height, weight);
    if (!dweight && !dbias)
        return;
    pdessm_parallel(pool, cut_pieces(&g.cut), sum_piece, &g);
    cut_sum(pool, &g.cut, TAPS, dbias, add_bias);
    if (dweight)
        pdessm_parallel(pool, g.cut.column_blocks, total, &g);
}
