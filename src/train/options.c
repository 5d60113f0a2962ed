/* SPDX-License-Identifier: MIT */
/* options.c: the trainer's options: names, defaults, bounds, and what they say for a given step. */
#include <math.h>

#include "core/names.h"
#include "train/trainer.h"

PDESSM_DEFINE_NAMES(pdessm_schedule, pdessm_schedule, PDESSM_SCHEDULES, "schedule")
PDESSM_DEFINE_NAMES(pdessm_time_law, pdessm_time_law, PDESSM_TIME_LAWS, "distribution of t")
PDESSM_DEFINE_NAMES(pdessm_coupling, pdessm_coupling, PDESSM_COUPLINGS, "coupling")
PDESSM_DEFINE_NAMES(pdessm_resolution, pdessm_resolution, PDESSM_RESOLUTIONS, "way of resolutions")

/* Rows of settings.def that are the trainer's. */
#define DROP(...)
#define KEEP(...) __VA_ARGS__
#define OF_TRAIN KEEP
#define OF_TRAINER KEEP
#define OF_RUN DROP
#define OF_MODEL DROP
#define OF_CONFIG DROP

pdessm_train_options pdessm_train_defaults(void) {
    return (pdessm_train_options){
#define PDESSM_WHOLE(owner, member, option, letter, argument, group, flags, initial, ...)          \
    OF_##owner(.member = initial, )
#define PDESSM_REAL(owner, member, option, letter, argument, group, flags, initial, ...)           \
    OF_##owner(.member = initial, )
#define PDESSM_CHOICE(owner, member, type, LIST, option, group, flags, initial, ...)               \
    OF_##owner(.member = initial, )
#include <pdessm/settings.def>
        .levels = 1,
    };
}

static pdessm_status check_ranges(pdessm_context *ctx, const pdessm_train_options *o) {
    const struct {
        const char *name;
        double value, least, most;
    } ranges[] = {
#define PDESSM_WHOLE(owner, member, option, letter, argument, group, flags, initial, least, most,  \
                     help)                                                                         \
    OF_##owner({(option) != NULL ? (option) : #member, (double)o->member, least, most}, )
#define PDESSM_REAL(owner, member, option, letter, argument, group, flags, initial, least, most,   \
                    help)                                                                          \
    OF_##owner({(option) != NULL ? (option) : #member, o->member, least, most}, )
#include <pdessm/settings.def>
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].least && ranges[i].value <= ranges[i].most))
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "training: %s is %g, expected %g to %g",
                               ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most);
    if (o->coupling == PDESSM_COUPLING_PAIRS && (o->flip || o->shift))
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "training: flips and shifts would separate the images from the noise "
                           "they were drawn from; train on pairs without them");
    return PDESSM_OK;
}

pdessm_status pdessm_train_check(pdessm_context *ctx, const pdessm_config *config,
                                 const pdessm_train_options *options) {
    pdessm_status status = check_ranges(ctx, options);
    return status == PDESSM_OK ? pdessm_level_check(ctx, config, options) : status;
}

pdessm_status pdessm_trainer_check_map(pdessm_context *ctx, pdessm_resolution resolution,
                                       int has_map) {
    if (!has_map || resolution == PDESSM_RESOLUTION_FULL)
        return PDESSM_OK;
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                       "--multiscale cannot be combined with --precondition: the average of a "
                       "mapped image is not the mapped average");
}

pdessm_status pdessm_trainer_check_data(pdessm_context *ctx, const pdessm_dataset_info *d,
                                        const pdessm_config *c) {
    if (d->height != c->image_size[0] || d->width != c->image_size[1] || d->channels != c->channels)
        return pdessm_fail(
            ctx, PDESSM_ERROR_SHAPE,
            "the images are %lld x %lld x %lld (height, width, channels), the model is "
            "made for %d x %d x %d",
            (long long)d->height, (long long)d->width, (long long)d->channels, c->image_size[0],
            c->image_size[1], c->channels);
    if (c->task == PDESSM_TASK_CLASSIFY && !d->has_labels)
        return pdessm_fail(
            ctx, PDESSM_ERROR_FILE,
            "the images have no labels, and a classifier learns nothing else; expected "
            "labels, such as one subfolder for each class");
    if (d->num_classes > c->num_classes)
        return pdessm_fail(ctx, PDESSM_ERROR_SHAPE,
                           "the images have %lld classes, the model is made for %d",
                           (long long)d->num_classes, c->num_classes);
    return PDESSM_OK;
}

/* The learning rate of step number `step` (from 0): linear rise, then constant or a half cosine. */
double pdessm_trainer_rate(const pdessm_train_options *o, int64_t step) {
    if (step < o->warmup)
        return o->rate * (double)(step + 1) / (double)o->warmup;
    if (o->schedule == PDESSM_SCHEDULE_CONSTANT || o->steps <= o->warmup)
        return o->rate;
    double share = fmin(1, (double)(step - o->warmup) / (double)(o->steps - o->warmup));
    double cosine = 0.5 * (1 + cos(3.14159265358979323846 * share));
    return o->rate * (o->final_rate + (1 - o->final_rate) * cosine);
}

/* The average forgets its first steps faster, or a short run would end near its beginning; and
 * those of a level, or it would end near that of coarse images. */
double pdessm_trainer_ema(const pdessm_train_options *o, int64_t step) {
    int64_t first;
    pdessm_level_at(o, step, &first);
    const double since = (double)(step - first);
    return fmin(o->ema, (1 + since) / (10 + since));
}
