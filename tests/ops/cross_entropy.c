/* SPDX-License-Identifier: MIT */
/* cross_entropy.c: labels inside and on either side of the classes, now and then none inside;
 * logits large enough to overflow where the largest is not taken off. */
#include "check.h"

void check_cross_entropy(check *c);
void reference_cross_entropy(const check_case *c);

void check_cross_entropy(check *c) {
    int64_t batch = check_extent(c, 1, 70), classes = check_extent(c, 2, 40);
    double offset = check_coin(c) ? 0.0 : check_uniform(c, -200.0, 200.0);
    check_input(c, 0, 2.0, 2, (int64_t[]){batch, classes});
    double *logits = check_values(c, 0);
    for (int64_t i = 0; i < batch * classes; i++)
        logits[i] = (double)(float)(logits[i] + offset);
    check_integers(c, 1, check_coin(c) ? 0 : -2, classes - (check_coin(c) ? 1 : -2), 1, &batch);
    check_attribute(c, 0, check_coin(c) ? 0.0 : check_uniform(c, 0.0, 0.9));
    check_terms(c, classes);
    /* Digits of large logits cancel: of 200, what is left of 2^-24 is a hundredth of the loss. */
    check_condition(c, offset == 0.0 ? 4.0 : 200.0);
    check_run(c, reference_cross_entropy);
}
