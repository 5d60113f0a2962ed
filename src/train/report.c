/* SPDX-License-Identifier: MIT */
/* report.c: how a run is doing, and where numbers that are not finite come from. */
#include <math.h>
#include <stdlib.h>

#include "train/trainer.h"

pdessm_status pdessm_trainer_report(pdessm_trainer *trainer, pdessm_train_report *ret) {
    pdessm_status status = PDESSM_OK;
    float s[STATE_SIZE];
    PDESSM_TRY(pdessm_tensor_read(trainer->state, s));
    *ret = (pdessm_train_report){
        .step = trainer->step,
        .loss =
            s[STATE_LOSS_COUNT] > 0 ? (double)s[STATE_LOSS_SUM] / (double)s[STATE_LOSS_COUNT] : NAN,
        .rate = pdessm_trainer_rate(&trainer->options, trainer->step > 0 ? trainer->step - 1 : 0),
        .gradient_norm = (double)s[STATE_NORM],
        .bad_steps = (int64_t)s[STATE_BAD_TOTAL],
        .bad_in_a_row = (int)s[STATE_BAD_IN_A_ROW],
        .flops = trainer->flops,
    };
    s[STATE_LOSS_SUM] = s[STATE_LOSS_COUNT] = 0;
    PDESSM_TRY(pdessm_tensor_write(trainer->state, s));
out:
    return status;
}

static int all_finite(const float *values, int64_t n) {
    int finite = 1;
    for (int64_t i = 0; i < n; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

/* The first parameter whose value, or whose gradient, is not finite. */
static pdessm_status first_bad(pdessm_model *m, int gradients, const char **ret_name) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; !*ret_name && i < m->count; i++) {
        pdessm_tensor *t = gradients ? &m->parameter[i].gradient : &m->parameter[i].value;
        int64_t n = pdessm_tensor_count(t);
        free(values);
        values = NULL;
        PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)n, sizeof *values, &values));
        PDESSM_TRY(pdessm_tensor_read(t, values));
        if (!all_finite(values, n))
            *ret_name = m->parameter[i].name;
    }
out:
    free(values);
    return status;
}

/* Values first: one bad value infects nearly all gradients. */
pdessm_status pdessm_trainer_find_bad(pdessm_trainer *trainer, const char **ret_name) {
    const char *bad = NULL;
    pdessm_status status = first_bad(trainer->model, 0, &bad);
    if (status == PDESSM_OK && !bad)
        status = first_bad(trainer->model, 1, &bad);
    if (status == PDESSM_OK)
        *ret_name = bad;
    return status;
}
