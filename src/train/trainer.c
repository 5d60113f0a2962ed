/* SPDX-License-Identifier: MIT */
/* trainer.c: training, one optimiser step at a time. */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ building */

static pdessm_status make_buffers(pdessm_trainer *t) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *info = pdessm_dataset_get_info(t->data);
    const size_t batch = (size_t)pdessm_level_largest_batch(&t->options);
    const size_t pixels = (size_t)(info->channels * info->height * info->width);
    PDESSM_TRY(pdessm_alloc(t->ctx, batch * pixels, sizeof *t->images, &t->images));
    PDESSM_TRY(pdessm_alloc(t->ctx, batch, sizeof *t->times, &t->times));
    PDESSM_TRY(pdessm_alloc(t->ctx, batch, sizeof *t->labels, &t->labels));
    PDESSM_TRY(pdessm_alloc(t->ctx, batch, sizeof *t->indices, &t->indices));
    PDESSM_TRY(pdessm_alloc(t->ctx, (size_t)info->count, sizeof *t->order, &t->order));
    PDESSM_TRY(
        pdessm_tensor_create(t->device, PDESSM_FLOAT32, 1, (int64_t[]){STATE_SIZE}, &t->state));
    PDESSM_TRY(pdessm_tensor_zero(t->state));
    PDESSM_TRY(pdessm_tensor_create(t->device, PDESSM_FLOAT32, 1, (int64_t[]){1}, &t->step_loss));
out:
    return status;
}

pdessm_status pdessm_trainer_build(pdessm_device *device, pdessm_dataset *data,
                                   const pdessm_train_options *options, pdessm_model *model,
                                   pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_trainer *t = NULL;
    PDESSM_TRY(pdessm_train_check(device->ctx, &model->config, options));
    PDESSM_TRY(
        pdessm_trainer_check_map(device->ctx, options->resolution, model->precondition != NULL));
    PDESSM_TRY(
        pdessm_trainer_check_data(device->ctx, pdessm_dataset_get_info(data), &model->config));
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *t, &t));
    *t = (pdessm_trainer){.device = device,
                          .ctx = device->ctx,
                          .data = data,
                          .options = *options,
                          .model = model,
                          .order_epoch = -1};
    PDESSM_TRY(pdessm_model_create(device, &model->config, 0, &t->average));
    PDESSM_TRY(pdessm_arena_create(model, &t->first_moment));
    PDESSM_TRY(pdessm_arena_create(model, &t->second_moment));
    PDESSM_TRY(make_buffers(t));
    *ret = t;
    t = NULL;
out:
    if (t)
        t->model = NULL; /* still the caller's */
    pdessm_trainer_destroy(&t);
    return status;
}

pdessm_status pdessm_trainer_create(pdessm_device *device, pdessm_dataset *data,
                                    const pdessm_config *config,
                                    const pdessm_train_options *options, pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    pdessm_trainer *t = NULL;
    PDESSM_TRY(pdessm_model_create(device, config, 1, &model));
    PDESSM_TRY(pdessm_model_init(model, options->seed));
    PDESSM_TRY(pdessm_trainer_build(device, data, options, model, &t));
    model = NULL;
    PDESSM_TRY(pdessm_trainer_record(t));
    PDESSM_TRY(pdessm_model_init(t->average, options->seed));
    *ret = t;
    t = NULL;
out:
    pdessm_trainer_destroy(&t);
    pdessm_model_destroy(&model);
    return status;
}

void pdessm_trainer_destroy(pdessm_trainer **trainer) {
    pdessm_trainer *t = *trainer;
    if (!t)
        return;
    for (int l = 0; l < PDESSM_MOST_LEVELS; l++)
        pdessm_trainer_tape_release(&t->tape[l]);
    pdessm_tensor_destroy(&t->state);
    pdessm_tensor_destroy(&t->step_loss);
    pdessm_arena_destroy(&t->first_moment);
    pdessm_arena_destroy(&t->second_moment);
    pdessm_model_destroy(&t->model);
    pdessm_model_destroy(&t->average);
    free(t->images);
    free(t->times);
    free(t->labels);
    free(t->indices);
    free(t->order);
    free(t);
    *trainer = NULL;
}

/* ------------------------------------------------------------------ one step */

/* Images and noise of the tape's level from the finest ones. */
static pdessm_status average_down(pdessm_trainer *t, pdessm_trainer_tape *tape) {
    pdessm_status status = PDESSM_OK;
    for (int k = 0; k < tape->level; k++) {
        PDESSM_TRY(pdessm_call_average_pool(t->device, tape->image[k], 1, tape->image[k + 1]));
        /* Four normal numbers: their mean has deviation 1/2. */
        PDESSM_TRY(pdessm_call_average_pool(t->device, tape->noise[k], 2, tape->noise[k + 1]));
    }
out:
    return status;
}

pdessm_status pdessm_trainer_run(pdessm_trainer *t, const pdessm_trainer_pass *run) {
    pdessm_status status = PDESSM_OK;
    pdessm_trainer_tape *tape = &t->tape[run->level];
    pdessm_trainer_draw_batch(t, run->first, tape->batch);
    PDESSM_TRY(pdessm_tensor_write(tape->image[0], t->images));
    PDESSM_TRY(pdessm_tensor_write(tape->label, t->labels));
    if (!pdessm_trainer_classifies(t)) {
        PDESSM_TRY(pdessm_tensor_write(tape->time, t->times));
        PDESSM_TRY(pdessm_trainer_draw_noise(t, tape, run->first));
    }
    PDESSM_TRY(average_down(t, tape));
    if (tape->share != run->share)
        PDESSM_TRY(pdessm_tape_set_loss_scale(tape->tape, run->share));
    tape->share = run->share;
    PDESSM_TRY(pdessm_tape_forward(tape->tape));
    PDESSM_TRY(pdessm_tape_backward(tape->tape));
    PDESSM_TRY(
        pdessm_call_combine(t->device, t->step_loss, 1, &tape->loss, &run->share, t->step_loss));
    const pdessm_tape_info info = pdessm_tape_get_info(tape->tape);
    t->flops += info.forward_flops + info.backward_flops;
out:
    return status;
}

static pdessm_status update_group(pdessm_trainer *t, pdessm_group group) {
    const pdessm_train_options *o = &t->options;
    double scale = group == PDESSM_GROUP_PDE    ? o->pde_rate_scale
                   : group == PDESSM_GROUP_FREE ? o->filter_rate_scale
                                                : 1;
    pdessm_adamw settings = {.rate = scale * pdessm_trainer_rate(o, t->step),
                             .beta1 = o->beta1,
                             .beta2 = o->beta2,
                             .epsilon = o->epsilon,
                             .decay = group == PDESSM_GROUP_WEIGHTS ? o->weight_decay : 0,
                             .step = t->step + 1};
    if (!t->model->values.group[group].storage)
        return PDESSM_OK;
    return pdessm_call_adamw(t->device, &t->model->values.group[group],
                             &t->model->gradients.group[group], &t->first_moment.group[group],
                             &t->second_moment.group[group], t->state, &settings);
}

pdessm_status pdessm_trainer_step(pdessm_trainer *trainer) {
    pdessm_trainer *t = trainer;
    pdessm_status status = PDESSM_OK;
    pdessm_trainer_pass run[PDESSM_MOST_RUNS];
    PDESSM_TRY(pdessm_trainer_record(t));
    PDESSM_TRY(pdessm_tensor_zero(&t->model->gradients.all));
    PDESSM_TRY(pdessm_tensor_zero(t->step_loss));
    t->flops = 0;
    for (int micro = 0; micro < t->options.accumulate; micro++) {
        const int runs = pdessm_level_runs(&t->options, t->step, micro, run);
        for (int i = 0; i < runs; i++)
            PDESSM_TRY(pdessm_trainer_run(t, &run[i]));
    }
    PDESSM_TRY(pdessm_call_grad_norm(t->device, &t->model->gradients.all, t->step_loss,
                                     t->options.clip, t->state));
    for (int group = 0; group < PDESSM_GROUPS; group++)
        PDESSM_TRY(update_group(t, (pdessm_group)group));
    PDESSM_TRY(pdessm_call_ema(t->device, &t->average->values.all, &t->model->values.all, t->state,
                               pdessm_trainer_ema(&t->options, t->step)));
    t->step++;
out:
    return status;
}

int64_t pdessm_trainer_step_count(const pdessm_trainer *trainer) {
    return trainer->step;
}

pdessm_status pdessm_trainer_set_precondition(pdessm_trainer *trainer, pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_trainer_check_map(trainer->ctx, trainer->options.resolution, map != NULL));
    PDESSM_TRY(pdessm_model_set_precondition(trainer->model, map));
    PDESSM_TRY(pdessm_model_set_precondition(trainer->average, map));
out:
    return status;
}

pdessm_model *pdessm_trainer_model(pdessm_trainer *trainer) {
    return trainer->model;
}

pdessm_model *pdessm_trainer_average(pdessm_trainer *trainer) {
    return trainer->average;
}
