/* SPDX-License-Identifier: MIT */
/* gate.c: y = a silu(z). */
#include "elementwise.h"
#include "fallback.h"

struct gate {
    const float *a, *z, *dy;
    float *y, *da, *dz;
    int add_a, add_z;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct gate *g = argument;
    const float *restrict a = g->a, *restrict z = g->z;
    float *restrict y = g->y;
    for (int64_t i = begin; i < end; i++)
        y[i] = a[i] * z[i] * sigmoid_fast(z[i]);
}

static void gradient_a(int64_t n, const float *restrict z, const float *restrict s,
                       const float *restrict dy, float *restrict da, int add) {
    for (int64_t i = 0; i < n; i++)
        da[i] = (add ? da[i] : 0.0f) + dy[i] * z[i] * s[i];
}

static void gradient_z(int64_t n, const float *restrict a, const float *restrict z,
                       const float *restrict s, const float *restrict dy, float *restrict dz,
                       int add) {
    for (int64_t i = 0; i < n; i++)
        dz[i] = (add ? dz[i] : 0.0f) + dy[i] * a[i] * (s[i] + z[i] * s[i] * (1.0f - s[i]));
}

/* The sigmoid is shared by both gradients through a chunk that stays in the first cache. */
static void backward(void *argument, int64_t begin, int64_t end) {
    const struct gate *g = argument;
    float s[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        int64_t n = least(CHUNK, end - i);
        const float *restrict z = g->z + i;
        for (int64_t k = 0; k < n; k++)
            s[k] = sigmoid_fast(z[k]);
        if (g->da)
            gradient_a(n, z, s, g->dy + i, g->da + i, g->add_a);
        if (g->dz)
            gradient_z(n, g->a + i, z, s, g->dy + i, g->dz + i, g->add_z);
    }
}

void FALLBACK(gate_forward)(pdessm_pool *pool, int64_t n, const float *a, const float *z,
                            float *y) {
    for_range(pool, n, forward, &(struct gate){.a = a, .z = z, .y = y});
}

void FALLBACK(gate_backward)(pdessm_pool *pool, int64_t n, const float *a, const float *z,
                             const float *dy, float *da, int add_a, float *dz, int add_z) {
    struct gate g = {.a = a, .z = z, .dy = dy, .da = da, .dz = dz, .add_a = add_a, .add_z = add_z};
    for_range(pool, n, backward, &g);
}
