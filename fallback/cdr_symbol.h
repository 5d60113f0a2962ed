/* SPDX-License-Identifier: MIT */
/* cdr_symbol.h: exp, phases and phi1 on vectors, accurate to a few units of the last place. */
#ifndef PDESSM_FALLBACK_CDR_SYMBOL_H
#define PDESSM_FALLBACK_CDR_SYMBOL_H

#include "fft_butterfly.h"

static inline vec vec_select(veci mask, vec a, vec b) {
    return (vec)(((veci)a & mask) | ((veci)b & ~mask));
}

/* To the nearest integer, |x| < 2^22. */
static inline vec vec_round(vec x) {
    return (x + 12582912.0f) - 12582912.0f;
}

/* e^x; saturates below e^-87 and above e^88. */
static inline vec vec_exp(vec x) {
    x = vec_select(x < -87.0f, vec_set(-87.0f), x);
    x = vec_select(x > 88.0f, vec_set(88.0f), x);
    vec n = vec_round(x * 1.44269504f);
    vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    veci power = (__builtin_convertvector(n, veci) + 127) << 23;
    return p * (vec)power;
}

/* exp(2 pi i b m) for |m| < 4096. b is cut in two so that both products with m are exact; the whole
 * turns then fall away without error, however many they are. */
static inline cvec vec_phase(vec b, float m) {
    vec high = (vec)((veci)b & ~0xfff), low = b - high;
    vec turns = high * m;
    turns = (turns - vec_round(turns)) + low * m;
    vec quarter = vec_round(turns * 4.0f);
    vec x = (turns - quarter * 0.25f) * 6.28318530718f; /* |x| <= pi/4, a little more at most */
    vec xx = x * x;
    vec s = xx * 2.75573192e-6f - 1.98412698e-4f;
    s = s * xx + 8.33333333e-3f;
    s = s * xx - 0.166666667f;
    s = s * xx * x + x;
    vec c = xx * 2.48015873e-5f - 1.38888889e-3f;
    c = c * xx + 4.16666667e-2f;
    c = c * xx - 0.5f;
    c = c * xx + 1.0f;
    veci k = __builtin_convertvector(quarter, veci);
    veci odd = -(k & 1), flip_s = (k & 2) << 30, flip_c = ((k + 1) & 2) << 30;
    return (cvec){(vec)((veci)vec_select(odd, s, c) ^ flip_c),
                  (vec)((veci)vec_select(odd, c, s) ^ flip_s)};
}

static inline cvec c_multiply(cvec a, cvec b) {
    return (cvec){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static inline cvec c_select(veci mask, cvec a, cvec b) {
    return (cvec){vec_select(mask, a.re, b.re), vec_select(mask, a.im, b.im)};
}

/* sum of coefficient[k] l^k, k <= 8 */
static inline cvec c_series(cvec l, const float coefficient[9]) {
    cvec p = {vec_set(coefficient[8]), {0}};
    for (int k = 7; k >= 0; k--) {
        p = c_multiply(p, l);
        p.re += coefficient[k];
    }
    return p;
}

/* phi1(l) = (e^l - 1)/l and its derivative (e^l - phi1)/l; below |l| = 1/2, where these lose
 * digits, by their series: sum l^k/(k+1)! and sum (k+1) l^k/(k+2)!, remainder below 1e-9. */
static inline void c_phi1(cvec l, cvec exp_l, cvec *ret_phi, cvec *ret_slope) {
    static const float phi_series[9] = {1,           1.0f / 2,     1.0f / 6,
                                        1.0f / 24,   1.0f / 120,   1.0f / 720,
                                        1.0f / 5040, 1.0f / 40320, 1.0f / 362880};
    static const float slope_series[9] = {1.0f / 2,     2.0f / 6,      3.0f / 24,
                                          4.0f / 120,   5.0f / 720,    6.0f / 5040,
                                          7.0f / 40320, 8.0f / 362880, 9.0f / 3628800};
    vec square = l.re * l.re + l.im * l.im;
    veci small = square < 0.25f;
    vec inverse = 1.0f / vec_select(small, vec_set(1.0f), square);
    cvec reciprocal = {l.re * inverse, -l.im * inverse};
    cvec less_one = {exp_l.re - 1.0f, exp_l.im};
    cvec phi = c_select(small, c_series(l, phi_series), c_multiply(less_one, reciprocal));
    *ret_phi = phi;
    *ret_slope =
        c_select(small, c_series(l, slope_series), c_multiply(c_sub(exp_l, phi), reciprocal));
}

#endif
