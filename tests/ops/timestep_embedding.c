/* SPDX-License-Identifier: MIT */
/* timestep_embedding.c: times in [0, 1], and further out; usual and other widths. */
#include "check.h"

void check_timestep_embedding(check *c);
void reference_timestep_embedding(const check_case *c);

void check_timestep_embedding(check *c) {
    int64_t batch = check_extent(c, 1, 100);
    int far = check_coin(c);
    check_input(c, 0, 1.0, 1, &batch);
    double *t = check_values(c, 0);
    for (int64_t b = 0; b < batch; b++)
        t[b] = (double)(float)(far ? check_uniform(c, -20, 20) : check_uniform(c, 0, 1));
    t[0] = check_coin(c) ? 1 : 0;
    check_attribute(c, 0, check_coin(c) ? 0.0 : 2.0 * (double)check_extent(c, 1, 128));
    check_run(c, reference_timestep_embedding);
}
