/* SPDX-License-Identifier: MIT */
/* spectral_filter.c: y = irfft2(G rfft2(u)) by the definition, as numpy means it: the transform
 * along the width ignores the imaginary parts of columns 0 and W/2. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"

static double complex root(int64_t k, int64_t n) {
    double angle = 2 * 3.14159265358979323846 * (double)(k % n) / (double)n;
    return cos(angle) + I * sin(angle);
}

/* Half spectrum [H, W/2+1] of one plane, pixels `step` apart. */
static void forward(const double *u, int64_t step, int64_t h, int64_t w, double complex *spectrum,
                    double complex *rows) {
    int64_t half = w / 2 + 1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t kx = 0; kx < half; kx++) {
            rows[y * half + kx] = 0;
            for (int64_t x = 0; x < w; x++)
                rows[y * half + kx] += u[(y * w + x) * step] * conj(root(kx * x, w));
        }
    for (int64_t ky = 0; ky < h; ky++)
        for (int64_t kx = 0; kx < half; kx++) {
            spectrum[ky * half + kx] = 0;
            for (int64_t y = 0; y < h; y++)
                spectrum[ky * half + kx] += rows[y * half + kx] * conj(root(ky * y, h));
        }
}

static void inverse(const double complex *spectrum, int64_t step, int64_t h, int64_t w, double *u,
                    double complex *rows) {
    int64_t half = w / 2 + 1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t kx = 0; kx < half; kx++) {
            rows[y * half + kx] = 0;
            for (int64_t ky = 0; ky < h; ky++)
                rows[y * half + kx] += spectrum[ky * half + kx] * root(ky * y, h);
        }
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            double sum = creal(rows[y * half]);
            for (int64_t kx = 1; kx < half; kx++)
                sum += (2 * kx == w ? 1 : 2) * creal(rows[y * half + kx] * root(kx * x, w));
            u[(y * w + x) * step] = sum / (double)(h * w);
        }
}

static void oracle(const check_case *k) {
    int64_t batch = k->dims[0][0], h = k->dims[0][1], w = k->dims[0][2], channels = k->dims[0][3];
    int64_t modes = h * (w / 2 + 1);
    double complex *spectrum = malloc((size_t)modes * sizeof *spectrum);
    double complex *rows = malloc((size_t)modes * sizeof *rows);
    if (!spectrum || !rows)
        abort();
    for (int64_t b = 0; b < batch; b++)
        for (int64_t c = 0; c < channels; c++) {
            int64_t at = b * h * w * channels + c;
            forward(k->value[0] + at, channels, h, w, spectrum, rows);
            for (int64_t i = 0; i < modes; i++) {
                const double *g = k->value[1] + (i * channels + c) * 2;
                spectrum[i] *= g[0] + I * g[1];
            }
            inverse(spectrum, channels, h, w, k->value[2] + at, rows);
        }
    free(rows);
    free(spectrum);
}

const check_operator check_spectral_filter = {oracle};
