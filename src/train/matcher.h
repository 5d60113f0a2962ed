/* SPDX-License-Identifier: MIT */
/* matcher.h: which noise goes with which image: optimal transport within a batch. */
#ifndef PDESSM_TRAIN_MATCHER_H
#define PDESSM_TRAIN_MATCHER_H

#include "device/device.h"
#include "numeric/assignment.h"

typedef struct pdessm_matcher {
    pdessm_device *device;
    pdessm_tensor *products; /* [batch, batch]: image i times noise j */
    float *host;
    double *cost;
    pdessm_assignment *assignment;
} pdessm_matcher;

pdessm_status pdessm_matcher_create(pdessm_device *device, int64_t batch, pdessm_matcher **ret);
void pdessm_matcher_destroy(pdessm_matcher **matcher);

/* The permutation p of the batch that makes sum_i |image_i - noise_p(i)|^2 least; image and noise
 * [batch, ...]. *ret_partner is the matcher's own, valid until the next call. Waits for the device,
 * allocates nothing. Numbers that are not finite give the identity: the step that they belong to
 * counts as bad anyway. */
pdessm_status pdessm_matcher_match(pdessm_matcher *matcher, const pdessm_tensor *image,
                                   const pdessm_tensor *noise, const int32_t **ret_partner);

#endif
