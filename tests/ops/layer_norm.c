/* SPDX-License-Identifier: MIT */
/* layer_norm.c: with and without modulation, rows near zero and far from it. */
#include "check.h"

void check_layer_norm(check *c);
void reference_layer_norm(const check_case *c);

void check_layer_norm(check *c) {
    int64_t many = check_coin(c), modulated = check_coin(c), flat = !modulated && check_coin(c);
    int64_t b = check_extent(c, 1, 4), n = check_extent(c, 1, many ? 300 : 10);
    /* One channel normalises to 0, two to -1 and 1, whatever they are: the gradient would be
     * cancellation and nothing else. */
    int64_t channels = check_extent(c, 3, many ? 60 : 1300);
    if (flat)
        check_input(c, 0, 1.0, 2, (int64_t[]){b * n, channels});
    else
        check_input(c, 0, 1.0, 3, (int64_t[]){b, n, channels});
    double offset = check_coin(c) ? 0.0 : check_uniform(c, -8.0, 8.0);
    double *x = check_values(c, 0);
    for (int64_t i = 0; i < b * n * channels; i++)
        x[i] = (double)(float)(x[i] + offset);
    for (int i = 1; modulated && i <= 2; i++)
        check_input(c, i, 0.5, 2, (int64_t[]){b, channels});
    check_terms(c, channels > n ? channels : n);
    /* A row of few channels may have a small variance by chance, which 1/std magnifies. */
    check_condition(c, channels < 16 ? 50.0 : 4.0);
    check_run(c, reference_layer_norm);
}
