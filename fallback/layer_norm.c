/* SPDX-License-Identifier: MIT */
/* layer_norm.c: y = xhat (1 + scale) + shift, xhat = (x - mean) rstd over the channels of a token,
 * rstd = 1 / sqrt(variance + 1e-6). Scale and shift belong to a sample; both may be missing. */
#include <math.h>

#include "columns.h"
#include "fallback.h"

static const float EPSILON = 1e-6f;

struct norm {
    pdessm_pool *pool;
    int64_t tokens, channels;
    const float *x, *shift, *scale, *stats_in, *dy;
    float *y, *stats, *dx;
    int add_x, wants_sums;
    struct cut cut;
};

/* Three passes over a row in the first cache. The second takes the mean of what the first left,
 * so that a row far from zero loses nothing to the rounding of its mean. */
static void forward_row(int64_t n, const float *restrict x, const float *restrict shift,
                        const float *restrict scale, float *restrict y, float *restrict stats) {
    float sum = 0.0f, rest = 0.0f, square = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++)
        sum += x[c];
    float mean = sum / (float)n;
#pragma omp simd reduction(+ : rest, square)
    for (int64_t c = 0; c < n; c++) {
        rest += x[c] - mean;
        square += (x[c] - mean) * (x[c] - mean);
    }
    rest /= (float)n;
    float rstd = 1.0f / sqrtf(fmaxf(square / (float)n - rest * rest, 0.0f) + EPSILON);
    if (scale)
        for (int64_t c = 0; c < n; c++)
            y[c] = ((x[c] - mean) - rest) * rstd * (1.0f + scale[c]) + shift[c];
    else
        for (int64_t c = 0; c < n; c++)
            y[c] = ((x[c] - mean) - rest) * rstd;
    stats[0] = mean + rest;
    stats[1] = rstd;
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct norm *g = argument;
    int64_t n = g->channels;
    for (int64_t r = begin; r < end; r++) {
        int64_t sample = r / g->tokens;
        forward_row(n, g->x + r * n, g->shift ? g->shift + sample * n : NULL,
                    g->scale ? g->scale + sample * n : NULL, g->y + r * n, g->stats + 2 * r);
    }
}

static void gradient_sums(int64_t n, const float *restrict x, float mean, float rstd,
                          const float *restrict dy, float *restrict dshift,
                          float *restrict dscale) {
    for (int64_t c = 0; c < n; c++) {
        dshift[c] += dy[c];
        dscale[c] += dy[c] * ((x[c] - mean) * rstd);
    }
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy (1 + scale); scale is NULL or, with
 * `scaled`, a row. */
static inline void gradient_x(int64_t n, const float *restrict x, float mean, float rstd,
                              const float *restrict scale, int scaled, const float *restrict dy,
                              float *restrict dx, int add) {
    float sum = 0.0f, along = 0.0f;
#pragma omp simd reduction(+ : sum, along)
    for (int64_t c = 0; c < n; c++) {
        float g = scaled ? dy[c] * (1.0f + scale[c]) : dy[c];
        sum += g;
        along += g * ((x[c] - mean) * rstd);
    }
    sum /= (float)n;
    along /= (float)n;
    for (int64_t c = 0; c < n; c++) {
        float g = scaled ? dy[c] * (1.0f + scale[c]) : dy[c];
        float xhat = (x[c] - mean) * rstd;
        dx[c] = (add ? dx[c] : 0.0f) + rstd * (g - sum - xhat * along);
    }
}

static void backward(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct norm *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    int64_t n = g->channels;
    const float *scale = g->scale ? g->scale + p.sample * n : NULL;
    float *sums = g->wants_sums ? cut_slot(&g->cut, g->pool, index) : NULL;
    if (sums)
        memset(sums, 0, 2 * (size_t)n * sizeof *sums);
    for (int64_t r = p.row_begin; r < p.row_end; r++) {
        int64_t row = p.sample * g->tokens + r;
        const float *x = g->x + row * n, *dy = g->dy + row * n;
        float mean = g->stats_in[2 * row], rstd = g->stats_in[2 * row + 1];
        if (sums)
            gradient_sums(n, x, mean, rstd, dy, sums, sums + n);
        if (g->dx && scale)
            gradient_x(n, x, mean, rstd, scale, 1, dy, g->dx + row * n, g->add_x);
        else if (g->dx)
            gradient_x(n, x, mean, rstd, NULL, 0, dy, g->dx + row * n, g->add_x);
    }
}

void FALLBACK(layer_norm_forward)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                  int64_t channels, const float *x, const float *shift,
                                  const float *scale, float *y, float *stats) {
    struct norm g = {.tokens = tokens,
                     .channels = channels,
                     .x = x,
                     .shift = shift,
                     .scale = scale,
                     .y = y,
                     .stats = stats};
    for_rows(pool, batch * tokens, channels, forward, &g);
}

size_t FALLBACK(layer_norm_scratch)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                    int64_t channels) {
    struct cut cut = cut_rows(batch, tokens, channels, channels, 2);
    return cut_scratch(&cut, pool);
}

void FALLBACK(layer_norm_backward)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                   int64_t channels, const float *x, const float *scale,
                                   const float *stats, const float *dy, float *dx, int add_x,
                                   float *dshift, int add_shift, float *dscale, int add_scale) {
    struct norm g = {.pool = pool,
                     .tokens = tokens,
                     .channels = channels,
                     .x = x,
                     .scale = scale,
                     .stats_in = stats,
                     .dy = dy,
                     .dx = dx,
                     .add_x = add_x,
                     .wants_sums = dshift || dscale,
                     .cut = cut_rows(batch, tokens, channels, channels, 2)};
    pdessm_parallel(pool, cut_pieces(&g.cut), backward, &g);
    cut_sum(pool, &g.cut, 0, dshift, add_shift);
    cut_sum(pool, &g.cut, 1, dscale, add_scale);
}
