/* SPDX-License-Identifier: MIT */
/* cross_entropy.c: loss = mean over the samples with a label of -sum_k q_k log softmax(logits)_k,
 * q = (1 - smoothing) [k = label] + smoothing / classes. A label outside of [0, classes) makes its
 * sample count for nothing. stats [batch, 2]: log-sum-exp of a row, and its share in the loss. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

struct entropy {
    int64_t classes;
    float smoothing;
    const float *logits, *stats_in;
    const int32_t *labels;
    float *stats, *dlogits;
    float dloss;
    int add;
};

static int labelled(const struct entropy *g, int64_t b) {
    return g->labels[b] >= 0 && g->labels[b] < g->classes;
}

static float log_sum_exp(int64_t n, const float *restrict x) {
    float top = x[0], sum = 0.0f;
#pragma omp simd reduction(max : top)
    for (int64_t k = 0; k < n; k++)
        top = x[k] > top ? x[k] : top;
#pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < n; k++)
        sum += exp_fast(x[k] - top);
    return top + logf(sum);
}

/* The losses of rows [begin, end), which leave their log-sum-exp in stats. */
static double rows(void *argument, int64_t begin, int64_t end) {
    const struct entropy *g = argument;
    double loss = 0.0, q = (double)g->smoothing;
    for (int64_t b = begin; b < end; b++) {
        const float *x = g->logits + b * g->classes;
        float lse = log_sum_exp(g->classes, x);
        double mean = 0.0;
        g->stats[2 * b] = lse;
        for (int64_t k = 0; k < g->classes && q > 0; k++)
            mean += (double)x[k] / (double)g->classes;
        if (labelled(g, b))
            loss += (double)lse - (1.0 - q) * (double)x[g->labels[b]] - q * mean;
    }
    return loss;
}

void FALLBACK(cross_entropy_forward)(pdessm_pool *pool, int64_t batch, int64_t classes,
                                     float smoothing, const float *logits, const int32_t *labels,
                                     float *loss, float *stats) {
    struct entropy g = {.classes = classes,
                        .smoothing = smoothing,
                        .logits = logits,
                        .labels = labels,
                        .stats = stats};
    double sum = sum_range(pool, batch, rows, &g);
    int64_t counted = 0;
    for (int64_t b = 0; b < batch; b++)
        counted += labelled(&g, b);
    loss[0] = counted ? (float)(sum / (double)counted) : 0.0f;
    for (int64_t b = 0; b < batch; b++)
        stats[2 * b + 1] = labelled(&g, b) ? 1.0f / (float)counted : 0.0f;
}

static void gradient_row(int64_t n, const float *restrict x, float lse, float factor, float flat,
                         float *restrict dx, int add) {
    for (int64_t k = 0; k < n; k++)
        dx[k] = (add ? dx[k] : 0.0f) + factor * (exp_fast(x[k] - lse) - flat);
}

/* softmax - q, times the share of the row. */
static void backward(void *argument, int64_t begin, int64_t end) {
    const struct entropy *g = argument;
    for (int64_t b = begin; b < end; b++) {
        float factor = g->stats_in[2 * b + 1] * g->dloss, *dx = g->dlogits + b * g->classes;
        gradient_row(g->classes, g->logits + b * g->classes, g->stats_in[2 * b], factor,
                     g->smoothing / (float)g->classes, dx, g->add);
        if (labelled(g, b))
            dx[g->labels[b]] -= factor * (1.0f - g->smoothing);
    }
}

void FALLBACK(cross_entropy_backward)(pdessm_pool *pool, int64_t batch, int64_t classes,
                                      float smoothing, const float *logits, const int32_t *labels,
                                      const float *stats, const float *dloss, float *dlogits,
                                      int add) {
    struct entropy g = {.classes = classes,
                        .smoothing = smoothing,
                        .logits = logits,
                        .stats_in = stats,
                        .labels = labels,
                        .dlogits = dlogits,
                        .dloss = dloss[0],
                        .add = add};
    for_rows(pool, batch, classes, backward, &g);
}
