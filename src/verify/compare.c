/* SPDX-License-Identifier: MIT */
/* compare.c: a case on two devices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fallback.h"
#include "verify/verify.h"

double pdessm_tolerance(const pdessm_case *k, pdessm_pass pass, double roundoff) {
    const double scale = roundoff / PDESSM_FLOAT_ROUNDOFF,
                 sums = 4 * fmax(8, (double)k->terms) * roundoff;
    return k->condition *
           (pass == PDESSM_FORWARD ? fmin(2e-5 * scale, sums) : fmin(2e-4 * scale, 10 * sums));
}

double pdessm_relative_error(const float *a, const float *b, int64_t count) {
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst == 0 ? 0 : worst / fmax(largest, 1e-30);
}

static pdessm_status compare_tensors(pdessm_context *ctx, pdessm_tensor *a, pdessm_tensor *b,
                                     double *worst) {
    size_t n = (size_t)pdessm_tensor_count(a);
    float *x = NULL, *y = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *y, &y));
    PDESSM_TRY(pdessm_tensor_read(a, x));
    PDESSM_TRY(pdessm_tensor_read(b, y));
    *worst = fmax(*worst, pdessm_relative_error(x, y, (int64_t)n));
out:
    free(x);
    free(y);
    return status;
}

pdessm_status pdessm_opcall_compare(const pdessm_opcall *a, const pdessm_opcall *b, double *ret) {
    pdessm_status status = PDESSM_OK;
    *ret = 0;
    for (int i = 0; a->row->letters[i]; i++)
        if (pdessm_opcall_result(a, i))
            PDESSM_TRY(compare_tensors(a->device->ctx, pdessm_opcall_result(a, i),
                                       pdessm_opcall_result(b, i), ret));
out:
    return status;
}

static pdessm_status run_pass(const pdessm_case *k, pdessm_opcall *o, pdessm_pass pass) {
    pdessm_status status =
        pass == PDESSM_FORWARD ? pdessm_case_operands(k, o) : pdessm_case_gradients(k, o);
    return status == PDESSM_OK ? pdessm_opcall_run(o, pass) : status;
}

pdessm_status pdessm_case_compare(const pdessm_case *k, pdessm_device *device,
                                  pdessm_device *reference, pdessm_deviation ret[2]) {
    pdessm_status status = PDESSM_OK;
    pdessm_opcall a = pdessm_opcall_begin(device, k->op);
    pdessm_opcall b = pdessm_opcall_begin(reference, k->op);
    ret[1] = (pdessm_deviation){0, 0};
    for (int i = 0; i <= pdessm_op_differentiable(k->op); i++) {
        const pdessm_pass pass = (pdessm_pass)i;
        PDESSM_TRY(run_pass(k, &a, pass));
        PDESSM_TRY(run_pass(k, &b, pass));
        PDESSM_TRY(pdessm_opcall_compare(&a, &b, &ret[pass].error));
        ret[pass].tolerance = pdessm_tolerance(k, pass, PDESSM_FLOAT_ROUNDOFF);
    }
out:
    pdessm_opcall_end(&a);
    pdessm_opcall_end(&b);
    return status;
}

pdessm_status pdessm_reference_open(pdessm_context *ctx, const pdessm_device *device,
                                    pdessm_device **ret) {
    pdessm_device *reference = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_device_open(ctx, "cpu", &reference));
    if (!device->backend)
        reference->host.fallback = &pdessm_fallback_base;
    snprintf(reference->info.driver, sizeof reference->info.driver, "plain C, instruction set %s",
             reference->host.fallback->isa);
    *ret = reference;
out:
    return status;
}
