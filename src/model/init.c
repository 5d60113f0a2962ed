/* SPDX-License-Identifier: MIT */
/* init.c: initial values. Every number is drawn by counter from (seed, parameter's name), so that a
 * parameter starts alike wherever it stands in the list and on whatever device. */
#include <math.h>

#include "core/random.h"
#include "model/model.h"

/* FNV-1a of the name: the stream's step number. */
static uint32_t stream(const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

static int64_t elements(const pdessm_parameter *p) {
    int64_t n = 1;
    for (int i = 0; i < p->rank; i++)
        n *= p->dims[i];
    return n;
}

static void constant(const pdessm_parameter *p, float value, float *target) {
    for (int64_t i = 0; i < elements(p); i++)
        target[i] = value;
}

/* Uniform within +- sqrt(6 / (fan in + fan out)); a patch embedding counts as [C, Cin p p]. */
static void xavier(const pdessm_parameter *p, uint64_t seed, float *target) {
    int64_t n = elements(p), out = p->dims[0], in = n / out;
    double bound = sqrt(6.0 / (double)(in + out));
    uint32_t step = stream(p->name);
    for (int64_t i = 0; i < n; i++)
        target[i] = (float)(bound * (2 * pdessm_uniform(seed, PDESSM_RANDOM_INIT, step, 0, i) - 1));
}

static void embedding(const pdessm_parameter *p, uint64_t seed, float *target) {
    uint32_t step = stream(p->name);
    for (int64_t i = 0; i < elements(p); i++)
        target[i] = (float)(0.02 * pdessm_normal(seed, PDESSM_RANDOM_INIT, step, 0, i));
}

/* ------------------------------------------------------------------ PDE coefficients
 * Term n of channel c. Blur widths sqrt(2K) run from half a token to a quarter of the image, spaced
 * evenly in the logarithm: the n-th term of every channel lies in the n-th part of the range, and
 * channels fill the part. */

static double softplus_inverse(double y) {
    return y > 30 ? y : log(expm1(y));
}

/* Raw (l0, l1, l2) with K = L L^T + eps I, so that sqrt(2 kyy) and sqrt(2 kxx) are the widths. */
static void diffusion(const pdessm_config *config, const pdessm_parameter *p, float *target) {
    const double eps = (0.1 / 16) * (0.1 / 16) / 2, widest = 0.25;
    int64_t channels = p->dims[0], states = p->dims[1];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t n = 0; n < states; n++) {
            double place = ((double)n + ((double)c + 0.5) / (double)channels) / (double)states;
            float *l = target + (c * states + n) * 3;
            for (int axis = 0; axis < 2; axis++) {
                double narrowest = fmin(0.5 / config->reference_grid[axis], widest);
                double width = narrowest * pow(widest / narrowest, place);
                double square = fmax(width * width / 2 - eps, eps);
                l[2 * axis] = (float)softplus_inverse(sqrt(square));
            }
            l[1] = 0;
        }
}

/* Half of the terms stand still, the others move by one token in one of 8 directions. The pattern
 * is shifted from channel to channel, so that it does not coincide with the sign of the weights. */
static void convection(const pdessm_config *config, const pdessm_parameter *p, float *target) {
    static const int way[8][2] = {{0, 1},  {1, 1},   {1, 0},  {1, -1},
                                  {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}};
    int64_t channels = p->dims[0], states = p->dims[1];
    for (int64_t c = 0; c < channels; c++)
        for (int64_t n = 0; n < states; n++) {
            int moves = (int)((n / 2 + c) % 2);
            const int *to = way[(c / 2 * 3 + n) % 8];
            for (int axis = 0; axis < 2; axis++) {
                double token = fmin(1.0 / config->reference_grid[axis], 0.9 * config->b_max);
                target[(c * states + n) * 2 + axis] =
                    (float)(moves ? atanh(to[axis] * token / config->b_max) : 0);
            }
        }
}

/* Alternating signs, so that terms begin as differences of blurs rather than as one blur. */
static void mixture(const pdessm_parameter *p, float *target) {
    int64_t states = p->dims[1];
    for (int64_t i = 0; i < elements(p); i++)
        target[i] = (float)((i % states % 2 ? -1 : 1) / sqrt((double)states));
}

/* ------------------------------------------------------------------ baselines */

/* y = u and a little noise: G = 1 + 0.02 (n + i n'), as GFNet has its noise. */
static void symbol(const pdessm_parameter *p, uint64_t seed, float *target) {
    embedding(p, seed, target);
    for (int64_t i = 0; i < elements(p); i += 2)
        target[i] += 1;
}

/* u and a neighbourhood of like size: 1 in the middle, and everywhere uniform within +- 1/3, the
 * usual bound 1 / sqrt(fan in). */
static void window(const pdessm_parameter *p, uint64_t seed, float *target) {
    uint32_t step = stream(p->name);
    for (int64_t i = 0; i < elements(p); i++) {
        double u = pdessm_uniform(seed, PDESSM_RANDOM_INIT, step, 0, i);
        target[i] = (float)((i % 9 == 4) + (2 * u - 1) / 3);
    }
}

void pdessm_parameter_start(const pdessm_config *config, const pdessm_parameter *parameter,
                            uint64_t seed, float *target) {
    switch (parameter->start) {
    case PDESSM_START_ZERO:
        constant(parameter, 0, target);
        break;
    case PDESSM_START_ONE:
        constant(parameter, 1, target);
        break;
    case PDESSM_START_IDENTITY:
        for (int64_t i = 0; i < elements(parameter); i++)
            target[i] = i % 9 == 4;
        break;
    case PDESSM_START_XAVIER:
        xavier(parameter, seed, target);
        break;
    case PDESSM_START_EMBEDDING:
        embedding(parameter, seed, target);
        break;
    case PDESSM_START_DIFFUSION:
        diffusion(config, parameter, target);
        break;
    case PDESSM_START_CONVECTION:
        convection(config, parameter, target);
        break;
    case PDESSM_START_REACTION:
        constant(parameter, -6, target);
        break;
    case PDESSM_START_MIXTURE:
        mixture(parameter, target);
        break;
    case PDESSM_START_SYMBOL:
        symbol(parameter, seed, target);
        break;
    case PDESSM_START_WINDOW:
        window(parameter, seed, target);
        break;
    }
}
