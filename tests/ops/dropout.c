/* SPDX-License-Identifier: MIT */
/* dropout.c: y = x / (1 - rate) where number c of stream (seed, DROPOUT, step, node, layer) is at
 * least rate, x cut off at 0 if it is to be rectified. The rounds of Philox are those of
 * core/random.c, which has known answers of its own.
 */
#include <math.h>

#include "check.h"
#include "core/random.h"

static void oracle(const check_case *c) {
    const double *clock = c->value[2], rate = c->attribute[0];
    int64_t channels = c->dims[0][1];
    uint64_t low = (uint32_t)(int32_t)clock[0], high = (uint32_t)(int32_t)clock[1];
    for (int64_t i = 0; i < c->count[0]; i++) {
        int64_t node = (int64_t)c->value[1][i / channels], channel = i % channels;
        double u =
            pdessm_uniform(high << 32 | low, PDESSM_RANDOM_DROPOUT, (uint32_t)(int32_t)clock[2],
                           (uint32_t)node, (int64_t)c->attribute[1] * 65536 * 4 + channel);
        double x = c->attribute[2] != 0 && c->value[0][i] < 0 ? 0 : c->value[0][i];
        c->value[3][i] = u >= rate ? x / (1 - rate) : 0;
    }
}

/* No number is so near to the kink that a difference would step over it. */
static void edges(check *c) {
    for (int64_t i = 0; i < check_count(c, 0); i++)
        if (fabs(check_values(c, 0)[i]) < 1e-3)
            check_values(c, 0)[i] = -0.5;
}

const check_operator check_dropout = {oracle, edges};
