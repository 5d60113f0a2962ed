/* SPDX-License-Identifier: MIT */
/* fft_butterfly.h: forward transforms of 2 to 8 points, and of any odd prime, in registers. */
#ifndef PDESSM_FALLBACK_FFT_BUTTERFLY_H
#define PDESSM_FALLBACK_FFT_BUTTERFLY_H

#include "fft.h"

static inline cvec c_add(cvec a, cvec b) {
    return (cvec){a.re + b.re, a.im + b.im};
}

static inline cvec c_sub(cvec a, cvec b) {
    return (cvec){a.re - b.re, a.im - b.im};
}

static inline cvec c_scale(cvec a, float s) {
    return (cvec){a.re * s, a.im * s};
}

/* a + s b */
static inline cvec c_axpy(cvec a, float s, cvec b) {
    return (cvec){a.re + s * b.re, a.im + s * b.im};
}

/* a times the complex number w = (cos, sin). */
static inline cvec c_turn(cvec a, const float *w) {
    return (cvec){a.re * w[0] - a.im * w[1], a.im * w[0] + a.re * w[1]};
}

/* a - i b and a + i b. */
static inline cvec c_sub_i(cvec a, cvec b) {
    return (cvec){a.re + b.im, a.im - b.re};
}

static inline cvec c_add_i(cvec a, cvec b) {
    return (cvec){a.re - b.im, a.im + b.re};
}

static inline void dft1(cvec *v) {
    (void)v;
}

static inline void dft2(cvec *v) {
    cvec a = v[0];
    v[0] = c_add(a, v[1]);
    v[1] = c_sub(a, v[1]);
}

static inline void dft3(cvec *v) {
    cvec sum = c_add(v[1], v[2]), difference = c_scale(c_sub(v[1], v[2]), 0.86602540378f);
    cvec t = c_axpy(v[0], -0.5f, sum);
    v[0] = c_add(v[0], sum);
    v[1] = c_sub_i(t, difference);
    v[2] = c_add_i(t, difference);
}

static inline void dft4(cvec *v) {
    cvec a = c_add(v[0], v[2]), b = c_sub(v[0], v[2]);
    cvec c = c_add(v[1], v[3]), d = c_sub(v[1], v[3]);
    v[0] = c_add(a, c);
    v[1] = c_sub_i(b, d);
    v[2] = c_sub(a, c);
    v[3] = c_add_i(b, d);
}

static inline void dft5(cvec *v) {
    const float c1 = 0.30901699437f, c2 = -0.80901699437f;
    const float s1 = 0.95105651630f, s2 = 0.58778525229f;
    cvec a = c_add(v[1], v[4]), b = c_add(v[2], v[3]);
    cvec c = c_sub(v[1], v[4]), d = c_sub(v[2], v[3]);
    cvec t1 = c_axpy(c_axpy(v[0], c1, a), c2, b), t2 = c_axpy(c_axpy(v[0], c2, a), c1, b);
    cvec r1 = c_axpy(c_scale(c, s1), s2, d), r2 = c_axpy(c_scale(c, s2), -s1, d);
    v[0] = c_add(v[0], c_add(a, b));
    v[1] = c_sub_i(t1, r1);
    v[4] = c_add_i(t1, r1);
    v[2] = c_sub_i(t2, r2);
    v[3] = c_add_i(t2, r2);
}

/* 6 = 2 x 3 without twiddles: sample 3a + 2b, frequency 3k + 4l (mod 6). */
static inline void dft6(cvec *v) {
    cvec even[3] = {v[0], v[2], v[4]}, odd[3] = {v[3], v[5], v[1]};
    dft3(even);
    dft3(odd);
    v[0] = c_add(even[0], odd[0]);
    v[3] = c_sub(even[0], odd[0]);
    v[4] = c_add(even[1], odd[1]);
    v[1] = c_sub(even[1], odd[1]);
    v[2] = c_add(even[2], odd[2]);
    v[5] = c_sub(even[2], odd[2]);
}

static inline void dft7(cvec *v) {
    const float c1 = 0.62348980186f, c2 = -0.22252093396f, c3 = -0.90096886790f;
    const float s1 = 0.78183148247f, s2 = 0.97492791218f, s3 = 0.43388373912f;
    cvec a1 = c_add(v[1], v[6]), a2 = c_add(v[2], v[5]), a3 = c_add(v[3], v[4]);
    cvec d1 = c_sub(v[1], v[6]), d2 = c_sub(v[2], v[5]), d3 = c_sub(v[3], v[4]);
    cvec t1 = c_axpy(c_axpy(c_axpy(v[0], c1, a1), c2, a2), c3, a3);
    cvec t2 = c_axpy(c_axpy(c_axpy(v[0], c2, a1), c3, a2), c1, a3);
    cvec t3 = c_axpy(c_axpy(c_axpy(v[0], c3, a1), c1, a2), c2, a3);
    cvec r1 = c_axpy(c_axpy(c_scale(d1, s1), s2, d2), s3, d3);
    cvec r2 = c_axpy(c_axpy(c_scale(d1, s2), -s3, d2), -s1, d3);
    cvec r3 = c_axpy(c_axpy(c_scale(d1, s3), -s1, d2), s2, d3);
    v[0] = c_add(c_add(v[0], a1), c_add(a2, a3));
    v[1] = c_sub_i(t1, r1);
    v[6] = c_add_i(t1, r1);
    v[2] = c_sub_i(t2, r2);
    v[5] = c_add_i(t2, r2);
    v[3] = c_sub_i(t3, r3);
    v[4] = c_add_i(t3, r3);
}

static inline void dft8(cvec *v) {
    const float h = 0.70710678119f;
    cvec even[4] = {v[0], v[2], v[4], v[6]}, odd[4] = {v[1], v[3], v[5], v[7]};
    dft4(even);
    dft4(odd);
    cvec o1 = {(odd[1].re + odd[1].im) * h, (odd[1].im - odd[1].re) * h};
    cvec o3 = {(odd[3].im - odd[3].re) * h, (odd[3].re + odd[3].im) * -h};
    v[0] = c_add(even[0], odd[0]);
    v[4] = c_sub(even[0], odd[0]);
    v[1] = c_add(even[1], o1);
    v[5] = c_sub(even[1], o1);
    v[2] = c_sub_i(even[2], odd[2]);
    v[6] = c_add_i(even[2], odd[2]);
    v[3] = c_add(even[3], o3);
    v[7] = c_sub(even[3], o3);
}

/* Any odd p <= LARGEST_PRIME by the definition, with opposite frequencies sharing their sums.
 * circle: (cos, sin)(2 pi i/p). */
static inline void dft_odd(cvec *v, int p, const float *circle) {
    cvec sum[LARGEST_PRIME / 2 + 1], difference[LARGEST_PRIME / 2 + 1], zero = v[0];
    for (int q = 1; q <= p / 2; q++) {
        sum[q] = c_add(v[q], v[p - q]);
        difference[q] = c_sub(v[q], v[p - q]);
        v[0] = c_add(v[0], sum[q]);
    }
    for (int k = 1; k <= p / 2; k++) {
        cvec even = zero, odd = {{0}, {0}};
        for (int q = 1, at = k; q <= p / 2; q++, at = at + k >= p ? at + k - p : at + k) {
            even = c_axpy(even, circle[2 * at], sum[q]);
            odd = c_axpy(odd, circle[2 * at + 1], difference[q]);
        }
        v[k] = c_sub_i(even, odd);
        v[p - k] = c_add_i(even, odd);
    }
}

#endif
