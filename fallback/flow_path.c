/* SPDX-License-Identifier: MIT */
/* flow_path.c: x_t = (1 - t) noise + t data and its velocity v = data - noise. */
#include "elementwise.h"
#include "fallback.h"

struct path {
    int64_t elements; /* of a sample */
    const float *data, *noise, *t;
    float *x_t, *v;
};

static void stretch(int64_t n, float t, const float *restrict data, const float *restrict noise,
                    float *restrict x_t, float *restrict v) {
    for (int64_t i = 0; i < n; i++) {
        x_t[i] = (1.0f - t) * noise[i] + t * data[i];
        v[i] = data[i] - noise[i];
    }
}

/* Elements [begin, end) of the batch, one stretch for each sample that they touch. */
static void forward(void *argument, int64_t begin, int64_t end) {
    const struct path *g = argument;
    for (int64_t i = begin, next; i < end; i = next) {
        int64_t sample = i / g->elements;
        next = least(end, (sample + 1) * g->elements);
        stretch(next - i, g->t[sample], g->data + i, g->noise + i, g->x_t + i, g->v + i);
    }
}

void FALLBACK(flow_path_forward)(pdessm_pool *pool, int64_t batch, int64_t elements,
                                 const float *data, const float *noise, const float *t, float *x_t,
                                 float *v) {
    struct path g = {
        .elements = elements, .data = data, .noise = noise, .t = t, .x_t = x_t, .v = v};
    for_range(pool, batch * elements, forward, &g);
}
