/* SPDX-License-Identifier: MIT */
/* wrong_compare.c: stands in front of the comparison with the reference (linked with --wrap) and
 * finds backward passes wrong: `bench --validate` has to say so. */
#include "verify/verify.h"

pdessm_status __wrap_pdessm_case_compare(const pdessm_case *k, pdessm_device *device,
                                         pdessm_device *reference, pdessm_deviation ret[2]);

pdessm_status __wrap_pdessm_case_compare(const pdessm_case *k, pdessm_device *device,
                                         pdessm_device *reference, pdessm_deviation ret[2]) {
    (void)k;
    (void)device;
    (void)reference;
    ret[0] = (pdessm_deviation){1e-7, 1e-6};
    ret[1] = (pdessm_deviation){0.25, 1e-6};
    return PDESSM_OK;
}
