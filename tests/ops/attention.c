/* SPDX-License-Identifier: MIT */
/* attention.c: any number of tokens, past one block of keys (512) and of queries (56) now and then,
 * any width of a head; large scores, whose softmax is nearly a choice, too. */
#include "check.h"

void check_attention(check *c);
void reference_attention(const check_case *c);

void check_attention(check *c) {
    int large = check_extent(c, 0, 9) == 9;
    int64_t heads = check_extent(c, 1, 3), width = check_extent(c, 1, large ? 5 : 70);
    int64_t tokens = check_extent(c, 1, large ? 600 : width > 20 ? 40 : 150);
    int64_t batch = check_extent(c, 1, large || tokens > 60 ? 1 : 3);
    double scale = check_coin(c) ? 1.0 : check_uniform(c, 0.1, 3.0);
    check_input(c, 0, scale, 3, (int64_t[]){batch, tokens, 3 * heads * width});
    check_attribute(c, 0, (double)heads);
    check_terms(c, tokens > width ? tokens : width);
    /* A rounding error of a score, which grows with it, is an error of its weight. */
    check_condition(c, 1.0 + scale * scale);
    check_run(c, reference_attention);
}
