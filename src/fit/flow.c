/* SPDX-License-Identifier: MIT */
/* flow.c: trains the small network whose flow is the map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <pdessm/train.h>

#include "fit/fit.h"
#include "model/model.h"

static pdessm_status choose_network(const pdessm_fit_job *job, pdessm_config *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = job->images;
    const int64_t common = i->height | i->width;
    PDESSM_REQUIRE(job->ctx, common % 2 == 0, PDESSM_ERROR_SHAPE,
                   "a flow takes images of even height and width, not %lld x %lld; pad or resize "
                   "them",
                   (long long)i->height, (long long)i->width);
    PDESSM_TRY(pdessm_config_preset(job->ctx, common % 4 == 0 ? "pde-nano/4" : "pde-nano/2", ret));
    ret->image_size[0] = (int)i->height;
    ret->image_size[1] = (int)i->width;
    ret->channels = (int)i->channels;
    ret->num_classes = (int)job->classes;
    PDESSM_TRY(pdessm_config_check(job->ctx, ret));
out:
    return status;
}

/* A new training, or the one that the folder of the fit keeps. */
static pdessm_status begin(const pdessm_fit_job *job, const pdessm_config *config,
                           const pdessm_train_options *options, pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    char *newest = NULL;
    if (job->options->folder)
        PDESSM_TRY(pdessm_checkpoint_newest(job->ctx, job->options->folder, &newest));
    PDESSM_TRY(newest ? pdessm_trainer_resume(job->device, job->data, newest, options, ret)
                      : pdessm_trainer_create(job->device, job->data, config, options, ret));
out:
    free(newest);
    return status;
}

static pdessm_status train(const pdessm_fit_job *job, const pdessm_watch *watch,
                           pdessm_trainer *trainer) {
    enum { OFTEN = 10 };
    pdessm_status status = PDESSM_OK;
    const int64_t steps = job->options->steps;
    pdessm_train_report report = {0}; /* a training that is done already was found good */
    for (int64_t i = pdessm_trainer_step_count(trainer) + 1; i <= steps; i++) {
        PDESSM_TRY(pdessm_trainer_step(trainer));
        if (i % OFTEN && i < steps)
            continue;
        PDESSM_TRY(pdessm_trainer_report(trainer, &report));
        const pdessm_status seen = pdessm_watch_tell(job->ctx, watch, (double)i / (double)steps);
        if (job->options->folder &&
            (seen != PDESSM_OK || i == steps || i % PDESSM_FIT_SAVE_EVERY == 0))
            PDESSM_TRY(pdessm_trainer_save(trainer, job->options->folder, 1));
        PDESSM_TRY(seen);
    }
    PDESSM_REQUIRE(job->ctx, isfinite(report.loss), PDESSM_ERROR_NUMERIC,
                   "the flow's network did not learn: its loss is not finite; scale the data");
out:
    return status;
}

/* The averaged weights, one after the other. */
static pdessm_status keep(pdessm_model *average, const pdessm_precondition_info *info,
                          pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_precondition_info own = *info;
    pdessm_precondition *map = NULL;
    own.numbers = pdessm_model_parameter_count(average);
    PDESSM_TRY(pdessm_map_create(average->device, &own, &map));
    PDESSM_TRY(pdessm_config_to_json(average->ctx, &average->config, &map->network));
    float *to = map->array[0].value;
    for (int i = 0; i < average->count; i++) {
        PDESSM_TRY(pdessm_tensor_read(&average->parameter[i].value, to));
        to += pdessm_tensor_count(&average->parameter[i].value);
    }
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    return status;
}

pdessm_status pdessm_fit_flow(const pdessm_fit_job *job, const pdessm_watch *watch,
                              const pdessm_precondition_info *info, pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_config config;
    pdessm_trainer *trainer = NULL;
    PDESSM_TRY(choose_network(job, &config));
    o.steps = job->options->steps;
    o.warmup = o.steps < 10 * o.warmup ? o.steps / 10 : o.warmup;
    o.batch = job->options->batch;
    o.seed = job->options->seed;
    PDESSM_TRY(begin(job, &config, &o, &trainer));
    PDESSM_TRY(train(job, watch, trainer));
    PDESSM_TRY(keep(pdessm_trainer_average(trainer), info, ret));
out:
    pdessm_trainer_destroy(&trainer);
    return status;
}
