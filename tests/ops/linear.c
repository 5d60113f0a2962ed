/* SPDX-License-Identifier: MIT */
/* linear.c: any sizes, one of them large at a time, with and without bias, in one part or several.
 */
#include "check.h"

void check_linear(check *c);
void reference_linear(const check_case *c);

void check_linear(check *c) {
    /* Past the register tile (14 x 32), past a block of k (256), past a work-group (64 x 64). */
    int large = (int)check_extent(c, 0, 3);
    int64_t parts = check_coin(c) ? 1 : check_extent(c, 1, 6);
    int64_t m = check_extent(c, 1, large == 1 ? 300 : 40);
    int64_t k = check_extent(c, 1, large == 2 ? 600 : 70);
    int64_t width = check_extent(c, 1, large == 3 ? 150 : 20), n = parts * width;
    int64_t leading = check_extent(c, 1, 3);
    if (check_coin(c))
        check_input(c, 0, 1.0, 2, (int64_t[]){m, k});
    else
        check_input(c, 0, 1.0, 3, (int64_t[]){leading, m, k});
    check_input(c, 1, 1.0, 2, (int64_t[]){n, k});
    if (check_coin(c))
        check_input(c, 2, 1.0, 1, &n);
    check_attribute(c, 0, parts > 1 ? (double)parts : (double)check_extent(c, 0, 1));
    /* The longest of the sums: over k forwards, over tokens or outputs backwards. */
    int64_t terms = k > n ? k : n;
    check_terms(c, terms > leading * m ? terms : leading * m);
    check_run(c, reference_linear);
}
