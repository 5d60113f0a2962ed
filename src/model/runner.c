/* SPDX-License-Identifier: MIT */
/* runner.c: a model over many images, batch after batch on one tape. */
#include "model/runner.h"

static pdessm_status begin(pdessm_model *model, int64_t rows, int64_t height, int64_t width,
                           pdessm_runner *r) {
    const int64_t dims[] = {rows, model->config.channels, height, width};
    pdessm_status status = pdessm_tape_create(model->device, &r->tape);
    if (status == PDESSM_OK)
        r->x = pdessm_tape_input(r->tape, PDESSM_FLOAT32, 4, dims);
    return status;
}

pdessm_status pdessm_runner_velocity(pdessm_model *model, int64_t batch, int64_t height,
                                     int64_t width, double guidance, pdessm_runner *ret) {
    pdessm_status status = PDESSM_OK;
    const int64_t rows = guidance != 1 ? 2 * batch : batch;
    pdessm_runner r = {.batch = batch, .pixels = model->config.channels * height * width};
    PDESSM_TRY(begin(model, rows, height, width, &r));
    r.t = pdessm_tape_input(r.tape, PDESSM_FLOAT32, 1, &rows);
    r.y = pdessm_tape_input(r.tape, PDESSM_INT32, 1, &rows);
    pdessm_tensor *v = pdessm_model_velocity(model, r.tape, r.x, r.t, r.y);
    if (guidance != 1)
        v = pdessm_guide(r.tape, v, guidance);
    r.result[0] = pdessm_tape_output(r.tape, v);
    PDESSM_TRY(pdessm_tape_plan(r.tape, NULL));
    *ret = r;
    r.tape = NULL;
out:
    pdessm_runner_release(&r);
    return status;
}

pdessm_status pdessm_runner_logits(pdessm_model *model, int64_t batch, pdessm_runner *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_config *c = &model->config;
    const int64_t height = c->image_size[0], width = c->image_size[1];
    pdessm_runner r = {.batch = batch, .pixels = c->channels * height * width};
    pdessm_tensor *features = NULL;
    PDESSM_TRY(begin(model, batch, height, width, &r));
    r.result[0] = pdessm_tape_output(r.tape, pdessm_model_logits(model, r.tape, r.x, &features));
    r.result[1] = pdessm_tape_output(r.tape, features);
    PDESSM_TRY(pdessm_tape_plan(r.tape, NULL));
    *ret = r;
    r.tape = NULL;
out:
    pdessm_runner_release(&r);
    return status;
}

void pdessm_runner_release(pdessm_runner *runner) {
    pdessm_tape_destroy(&runner->tape);
}

pdessm_status pdessm_runner_run(pdessm_runner *runner, const float *images, const float *times,
                                const int32_t *labels, float *ret_first, float *ret_second) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_write(runner->x, images));
    if (runner->t) {
        PDESSM_TRY(pdessm_tensor_write(runner->t, times));
        PDESSM_TRY(pdessm_tensor_write(runner->y, labels));
    }
    PDESSM_TRY(pdessm_tape_forward(runner->tape));
    if (ret_first)
        PDESSM_TRY(pdessm_tensor_read(runner->result[0], ret_first));
    if (ret_second)
        PDESSM_TRY(pdessm_tensor_read(runner->result[1], ret_second));
out:
    return status;
}
