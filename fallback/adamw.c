/* SPDX-License-Identifier: MIT */
/* adamw.c: Adam with decoupled weight decay. The gradient is multiplied by the clipping factor
 * state[1]; a step that state[2] calls bad changes nothing. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

struct adam {
    struct pdessm_adamw_numbers a;
    float factor;
    const float *gradient;
    float *parameter, *m, *v;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct adam *g = argument;
    const struct pdessm_adamw_numbers a = g->a;
    const float *restrict gradient = g->gradient;
    float *restrict p = g->parameter, *restrict m = g->m, *restrict v = g->v;
    for (int64_t i = begin; i < end; i++) {
        float d = gradient[i] * g->factor;
        m[i] = a.beta1 * m[i] + a.rest1 * d;
        v[i] = a.beta2 * v[i] + a.rest2 * d * d;
        p[i] = p[i] * a.keep - a.rate * m[i] / (sqrtf(v[i]) * a.root + a.epsilon);
    }
}

void FALLBACK(adamw_forward)(pdessm_pool *pool, int64_t n, const struct pdessm_adamw_numbers *a,
                             const float *gradient, const float *state, float *parameter, float *m,
                             float *v) {
    if (state[2] == 0.0f)
        return;
    struct adam g = {
        .a = *a, .factor = state[1], .gradient = gradient, .parameter = parameter, .m = m, .v = v};
    for_range(pool, n, forward, &g);
}
