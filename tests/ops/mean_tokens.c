/* SPDX-License-Identifier: MIT */
/* mean_tokens.c: one token to many, channels around a vector. */
#include "check.h"

void check_mean_tokens(check *c);
void reference_mean_tokens(const check_case *c);

void check_mean_tokens(check *c) {
    int64_t many = check_coin(c), batch = check_extent(c, 1, 5);
    int64_t tokens = check_extent(c, 1, many ? 300 : 10);
    int64_t channels = check_extent(c, 1, many ? 40 : 1200);
    check_input(c, 0, 1.0, 3, (int64_t[]){batch, tokens, channels});
    check_terms(c, tokens);
    check_run(c, reference_mean_tokens);
}
