/* SPDX-License-Identifier: MIT */
/* cdr_symbol.c: admissible coefficients (K positive definite) on grids of any parity. */
#include "check.h"

void check_cdr_symbol(check *c);
void reference_cdr_symbol(const check_case *k);

void check_cdr_symbol(check *c) {
    int64_t channels = check_extent(c, 1, 36), terms = check_extent(c, 1, 6);
    int64_t height = check_extent(c, 1, 24), width = check_extent(c, 1, 24);
    int64_t n = channels * terms;
    /* Blurs of up to `blur` of the image; no blur keeps the high modes, which is the hard case;
     * wide ones leave modes that need not be computed. */
    double blur = (const double[]){0.005, 0.1, 0.5}[check_extent(c, 0, 2)];
    check_input(c, 0, blur, 3, (int64_t[]){channels, terms, 3});
    check_input(c, 1, 0.2, 3, (int64_t[]){channels, terms, 2});
    check_input(c, 2, 0.2, 2, (int64_t[]){channels, terms});
    check_input(c, 3, 1.0, 2, (int64_t[]){channels, terms});
    check_input(c, 4, 1.0, 1, &channels);
    double *k = check_values(c, 0);
    for (int64_t i = 0; i < n; i++) {
        double a = k[3 * i], b = k[3 * i + 1], d = k[3 * i + 2];
        k[3 * i] = a * a;
        k[3 * i + 1] = a * b;
        k[3 * i + 2] = b * b + d * d;
    }
    check_attribute(c, 0, (double)height);
    check_attribute(c, 1, (double)width);
    check_attribute(c, 2, check_coin(c));
    /* Gradients are sums over all modes. */
    check_terms(c, height * (width / 2 + 1) + 8 * terms);
    /* exp(-k K k) bends over K = 1/k^2, here as little as 1e-4. */
    check_step(c, 1e-7);
    check_run(c, reference_cdr_symbol);
}
