/* SPDX-License-Identifier: MIT */
/* calls.c: single dispatches for drivers. */
#include "ops/calls.h"

pdessm_status pdessm_call_combine(pdessm_device *device, pdessm_tensor *x, int terms,
                                  pdessm_tensor *const *k, const double *c, pdessm_tensor *y) {
    pdessm_call call = {.op = PDESSM_OP_combine};
    call.operand[0] = x;
    for (int j = 0; j < terms; j++) {
        call.operand[1 + j] = k[j];
        call.attribute[j] = c[j];
    }
    call.operand[1 + PDESSM_MOST_TERMS] = y;
    return pdessm_dispatch(device, &call);
}

pdessm_status pdessm_call_normal(pdessm_device *device, uint64_t seed, pdessm_purpose purpose,
                                 int64_t step, int64_t first, pdessm_tensor *y) {
    return pdessm_dispatch(
        device, &(pdessm_call){.op = PDESSM_OP_philox_normal,
                               .operand = {y},
                               .attribute = {(double)(uint32_t)seed, (double)(uint32_t)(seed >> 32),
                                             purpose, (double)step, (double)first}});
}

pdessm_status pdessm_call_average_pool(pdessm_device *device, pdessm_tensor *u, double gain,
                                       pdessm_tensor *y) {
    return pdessm_dispatch(
        device,
        &(pdessm_call){.op = PDESSM_OP_average_pool, .operand = {u, y}, .attribute = {gain}});
}

pdessm_status pdessm_call_linear(pdessm_device *device, pdessm_tensor *x, pdessm_tensor *weight,
                                 pdessm_tensor *y) {
    return pdessm_dispatch(device,
                           &(pdessm_call){.op = PDESSM_OP_linear, .operand = {x, weight, NULL, y}});
}

pdessm_status pdessm_call_error_norm(pdessm_device *device, pdessm_tensor *error, pdessm_tensor *x,
                                     pdessm_tensor *y, double atol, double rtol,
                                     pdessm_tensor *norm) {
    return pdessm_dispatch(device, &(pdessm_call){.op = PDESSM_OP_error_norm,
                                                  .operand = {error, x, y, norm},
                                                  .attribute = {atol, rtol}});
}

pdessm_status pdessm_call_grad_norm(pdessm_device *device, pdessm_tensor *gradient,
                                    pdessm_tensor *loss, double clip, pdessm_tensor *state) {
    return pdessm_dispatch(device, &(pdessm_call){.op = PDESSM_OP_grad_norm,
                                                  .operand = {gradient, loss, state},
                                                  .attribute = {clip}});
}

pdessm_status pdessm_call_adamw(pdessm_device *device, pdessm_tensor *parameter,
                                pdessm_tensor *gradient, pdessm_tensor *m, pdessm_tensor *v,
                                pdessm_tensor *state, const pdessm_adamw *settings) {
    return pdessm_dispatch(
        device,
        &(pdessm_call){.op = PDESSM_OP_adamw,
                       .operand = {parameter, gradient, m, v, state},
                       .attribute = {settings->rate, settings->beta1, settings->beta2,
                                     settings->epsilon, settings->decay, (double)settings->step}});
}

pdessm_status pdessm_call_ema(pdessm_device *device, pdessm_tensor *average,
                              pdessm_tensor *parameter, pdessm_tensor *state, double decay) {
    return pdessm_dispatch(device, &(pdessm_call){.op = PDESSM_OP_ema,
                                                  .operand = {average, parameter, state},
                                                  .attribute = {decay}});
}
