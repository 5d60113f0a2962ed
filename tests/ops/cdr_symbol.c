/* SPDX-License-Identifier: MIT */
/* cdr_symbol.c: G = D + sum_n w_n E(lambda_n), E = exp or phi1, mode by mode. */
#include <complex.h>
#include <math.h>

#include "check.h"

static double complex phi1(double complex l) {
    if (cabs(l) > 1)
        return (cexp(l) - 1) / l;
    double complex sum = 0, power = 1;
    for (int i = 1; i < 25; i++) {
        sum += power;
        power *= l / (i + 1);
    }
    return sum;
}

/* Angular wavenumber at index i of n; odd: zero at the Nyquist index. */
static double wave(int64_t i, int64_t n, int odd) {
    if (odd && 2 * i == n)
        return 0;
    return 2 * 3.14159265358979323846 * (double)(2 * i < n ? i : i - n);
}

static void oracle(const check_case *k) {
    const double *diffusion = k->value[0], *convection = k->value[1], *reaction = k->value[2];
    const double *weight = k->value[3], *skip = k->value[4];
    int64_t channels = k->dims[2][0], terms = k->dims[2][1];
    int64_t height = (int64_t)k->attribute[0], width = (int64_t)k->attribute[1];
    double *symbol = k->value[5];
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x <= width / 2; x++) {
            double ky = wave(y, height, 0), kx = wave(x, width, 0);
            double ky_odd = wave(y, height, 1), kx_odd = wave(x, width, 1);
            for (int64_t c = 0; c < channels; c++, symbol += 2) {
                double complex g = skip[c];
                for (int64_t i = c * terms; i < (c + 1) * terms; i++) {
                    double complex l =
                        -(diffusion[3 * i] * ky * ky + 2 * diffusion[3 * i + 1] * ky_odd * kx_odd +
                          diffusion[3 * i + 2] * kx * kx) +
                        reaction[i] +
                        I * (convection[2 * i] * ky_odd + convection[2 * i + 1] * kx_odd);
                    g += weight[i] * (k->attribute[2] == 1 ? phi1(l) : cexp(l));
                }
                symbol[0] = creal(g);
                symbol[1] = cimag(g);
            }
        }
}

/* Two devices may each be off by as much as one is from the oracle. */
static void edges(check *c) {
    check_drawn(c)->condition = 1;
}

const check_operator check_cdr_symbol = {oracle, edges};
