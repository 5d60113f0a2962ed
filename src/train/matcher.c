/* SPDX-License-Identifier: MIT */
/* matcher.c: optimal transport between the images and the noise of a batch. The squares in
 * |x_i - z_j|^2 = |x_i|^2 + |z_j|^2 - 2 x_i . z_j are the same for every permutation, so the least
 * sum of -x_i . z_j is asked for; all products at once are one small matrix product, made where the
 * batch is. */
#include "train/matcher.h"

#include <math.h>
#include <stdlib.h>

#include "ops/calls.h"

pdessm_status pdessm_matcher_create(pdessm_device *device, int64_t batch, pdessm_matcher **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_matcher *m = NULL;
    const int64_t square[] = {batch, batch};
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *m, &m));
    m->device = device;
    PDESSM_TRY(pdessm_assignment_create(device->ctx, batch, &m->assignment));
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 2, square, &m->products));
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)(batch * batch), sizeof *m->host, &m->host));
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)(batch * batch), sizeof *m->cost, &m->cost));
    *ret = m;
    m = NULL;
out:
    pdessm_matcher_destroy(&m);
    return status;
}

void pdessm_matcher_destroy(pdessm_matcher **matcher) {
    pdessm_matcher *m = *matcher;
    if (!m)
        return;
    pdessm_assignment_destroy(&m->assignment);
    pdessm_tensor_destroy(&m->products);
    free(m->host);
    free(m->cost);
    free(m);
    *matcher = NULL;
}

/* [batch, everything else] */
static pdessm_tensor rows_of(const pdessm_tensor *t) {
    pdessm_tensor rows = *t;
    rows.rank = 2;
    rows.dims[1] = pdessm_tensor_count(t) / t->dims[0];
    return rows;
}

pdessm_status pdessm_matcher_match(pdessm_matcher *matcher, const pdessm_tensor *image,
                                   const pdessm_tensor *noise, const int32_t **ret_partner) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = matcher->assignment->n;
    pdessm_tensor x = rows_of(image), z = rows_of(noise);
    int finite = 1;
    PDESSM_TRY(pdessm_call_linear(matcher->device, &x, &z, matcher->products));
    PDESSM_TRY(pdessm_tensor_read(matcher->products, matcher->host));
    for (int64_t i = 0; i < n * n; i++) {
        matcher->cost[i] = -(double)matcher->host[i];
        finite &= isfinite(matcher->host[i]) != 0;
    }
    if (finite)
        pdessm_assignment_solve(matcher->assignment, matcher->cost);
    else
        for (int64_t i = 0; i < n; i++)
            matcher->assignment->column_of[i] = (int32_t)i;
    *ret_partner = matcher->assignment->column_of;
out:
    return status;
}
