/* SPDX-License-Identifier: MIT */
/* settings.c: the settings of a run: defaults, what goes together, and what the library makes of
 * them. */
#include "run/settings.h"

#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "train/trainer.h"

/* ------------------------------------------------------------------ defaults */

#define DROP(...)
#define KEEP(...) __VA_ARGS__
#define OF_RUN KEEP
#define OF_TRAIN KEEP
#define OF_MODEL KEEP
#define OF_TRAINER DROP
#define OF_CONFIG DROP

static const pdessm_run_settings usual = {
#define PDESSM_WHOLE(owner, member, option, letter, argument, group, flags, initial, ...)          \
    OF_##owner(.member = initial, )
#define PDESSM_REAL PDESSM_WHOLE
#define PDESSM_CHOICE(owner, member, type, LIST, option, group, flags, initial, ...)               \
    OF_##owner(.member = initial, )
#define PDESSM_TEXT(owner, member, option, letter, argument, group, flags, initial, ...)           \
    OF_##owner(.member = initial, )
#include <pdessm/settings.def>
};

pdessm_run_settings pdessm_run_settings_defaults(pdessm_model_task task) {
    pdessm_run_settings s = usual;
    s.task = task;
    if (task == PDESSM_TASK_CLASSIFY) {
#define PDESSM_OF_CLASSIFIERS(member, initial) s.member = initial;
#include <pdessm/settings.def>
    }
    return s;
}

/* ------------------------------------------------------------------ texts */

struct pdessm_run_text {
    struct pdessm_run_text *next;
    char text[];
};

pdessm_status pdessm_run_settings_keep(pdessm_context *ctx, pdessm_run_settings *settings,
                                       const char **member, const char *text) {
    const size_t size = strlen(text) + 1;
    struct pdessm_run_text *kept = NULL;
    pdessm_status status = pdessm_alloc(ctx, 1, sizeof *kept + size, &kept);
    if (status != PDESSM_OK)
        return status;
    memcpy(kept->text, text, size);
    kept->next = settings->texts;
    settings->texts = kept;
    *member = kept->text;
    return PDESSM_OK;
}

void pdessm_run_settings_release(pdessm_run_settings *settings) {
    for (struct pdessm_run_text *next, *t = settings->texts; t; t = next) {
        next = t->next;
        free(t);
    }
    settings->texts = NULL;
}

/* ------------------------------------------------------------------ what goes together */

static pdessm_status check_complete(pdessm_context *ctx, const pdessm_run_settings *s) {
    if ((s->reflow || (s->data && s->model)) && (s->out || s->resume))
        return PDESSM_OK;
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                       "--%s is missing; expected --data D --model PRESET --out DIR, --reflow "
                       "MODEL --out DIR, or --resume DIR",
                       s->reflow   ? "out"
                       : !s->data  ? "data"
                       : !s->model ? "model"
                                   : "out");
}

static pdessm_status check_reflow(pdessm_context *ctx, const pdessm_run_settings *s) {
    pdessm_status status = PDESSM_OK;
    if (!s->reflow)
        return status;
    PDESSM_REQUIRE(
        ctx, !s->data && s->coupling == PDESSM_COUPLING_INDEPENDENT, PDESSM_ERROR_ARGUMENT,
        "--reflow cannot be combined with --%s: it makes its own pairs of noise and image",
        s->data ? "data" : "coupling ot");
    PDESSM_REQUIRE(ctx, !s->image_size[0] && !s->channels, PDESSM_ERROR_ARGUMENT,
                   "--reflow cannot be combined with --%s: pairs are what its model draws",
                   s->image_size[0] ? "image-size" : "channels");
    PDESSM_REQUIRE(ctx, s->precondition == PDESSM_PRECONDITION_NONE, PDESSM_ERROR_ARGUMENT,
                   "--reflow cannot be combined with --precondition: the student keeps its "
                   "teacher's map");
out:
    return status;
}

static pdessm_status check_task(pdessm_context *ctx, const pdessm_run_settings *s) {
    const int classify = s->task == PDESSM_TASK_CLASSIFY;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, !classify || (!s->reflow && s->coupling == PDESSM_COUPLING_INDEPENDENT),
                   PDESSM_ERROR_ARGUMENT,
                   "--task classify cannot be combined with --%s, which is about noise",
                   s->reflow ? "reflow" : "coupling ot");
    PDESSM_REQUIRE(ctx, classify || !s->test, PDESSM_ERROR_ARGUMENT,
                   "--test is for --task classify");
out:
    return status;
}

static pdessm_status check_multiscale(pdessm_context *ctx, const pdessm_run_settings *s) {
    const int several = s->multiscale != PDESSM_RESOLUTION_FULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, several || (!s->levels && !s->coarse_steps), PDESSM_ERROR_ARGUMENT,
                   "--%s is for --multiscale", s->levels ? "levels" : "coarse-steps");
    PDESSM_REQUIRE(ctx, !s->coarse_steps || s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE,
                   PDESSM_ERROR_ARGUMENT,
                   "--coarse-steps is for --multiscale coarse-to-fine; with mge every step has all "
                   "resolutions");
    PDESSM_REQUIRE(ctx, !several || s->task != PDESSM_TASK_CLASSIFY, PDESSM_ERROR_ARGUMENT,
                   "--multiscale cannot be combined with --task classify: it is for flow matching");
    PDESSM_TRY(
        pdessm_trainer_check_map(ctx, s->multiscale, s->precondition != PDESSM_PRECONDITION_NONE));
out:
    return status;
}

/* Files and options are held to their rows when they are read; what a program fills in, here. */
static pdessm_status check_bounds(pdessm_context *ctx, const pdessm_run_settings *s) {
    int count;
    const pdessm_setting *rows = pdessm_run_settings_rows(&count);
    pdessm_run_settings copy = *s;
    for (int i = 0; i < count; i++) {
        pdessm_value_text room;
        const pdessm_value_rule *rule = &rows[i].rule;
        const void *member = pdessm_setting_of(&rows[i], &copy);
        if (!pdessm_value_fits(rule, member))
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "--%s is %s, expected %s", rows[i].name,
                               pdessm_value_write(rule, member, &room),
                               pdessm_value_expected(rule).text);
    }
    return PDESSM_OK;
}

pdessm_status pdessm_run_settings_check(pdessm_context *ctx, const pdessm_run_settings *s) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(check_bounds(ctx, s));
    PDESSM_TRY(check_complete(ctx, s));
    PDESSM_TRY(check_reflow(ctx, s));
    PDESSM_TRY(check_task(ctx, s));
    PDESSM_TRY(check_multiscale(ctx, s));
out:
    return status;
}

/* ------------------------------------------------------------------ for the library */

pdessm_train_options pdessm_run_settings_train_options(const pdessm_run_settings *s) {
    pdessm_train_options o = pdessm_train_defaults();
#undef OF_RUN
#undef OF_MODEL
#define OF_RUN DROP
#define OF_MODEL DROP
#define PDESSM_WHOLE(owner, member, ...) OF_##owner(o.member = (__typeof__(o.member))s->member;)
#define PDESSM_REAL(owner, member, ...) OF_##owner(o.member = s->member;)
#define PDESSM_FLAG PDESSM_REAL
#define PDESSM_CHOICE PDESSM_REAL
#include <pdessm/settings.def>
    if (s->reflow)
        o.coupling = PDESSM_COUPLING_PAIRS;
    o.pair_seed = (uint64_t)s->seed;
    o.resolution = s->multiscale;
    o.levels = s->multiscale != PDESSM_RESOLUTION_FULL ? (int)s->levels : 1;
    memcpy(o.level_steps, s->level_steps, sizeof o.level_steps);
    o.seed = (uint64_t)s->seed;
    return o;
}

pdessm_sample_options pdessm_run_settings_reflow_options(const pdessm_run_settings *s) {
    pdessm_sample_options o = pdessm_sample_defaults();
    o.solver = s->reflow_solver;
    o.steps = (int)s->reflow_steps;
    o.seed = (uint64_t)s->seed;
    return o;
}

pdessm_dataset_options pdessm_run_settings_dataset_options(const pdessm_run_settings *s) {
    return (pdessm_dataset_options){.split = s->split,
                                    .height = s->image_size[0],
                                    .width = s->image_size[1],
                                    .resize = s->fit,
                                    .channels = (int)s->channels,
                                    .layout = s->layout,
                                    .limit = s->limit,
                                    .seed = (uint64_t)s->seed};
}

pdessm_status pdessm_run_settings_model(pdessm_context *ctx, const pdessm_run_settings *s,
                                        const pdessm_dataset_info *images, pdessm_config *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    PDESSM_TRY(pdessm_config_preset(ctx, s->model, &config));
    /* 0: not set, which is the preset's or is 0 there as well. */
#undef OF_TRAIN
#undef OF_MODEL
#define OF_TRAIN DROP
#define OF_MODEL KEEP
#define PDESSM_WHOLE(owner, member, ...) OF_##owner(if (s->member) config.member = (int)s->member;)
#define PDESSM_FLAG(owner, member, ...) OF_##owner(if (s->member) config.member = s->member;)
#define PDESSM_CHOICE PDESSM_FLAG
#include <pdessm/settings.def>
    config.image_size[0] = (int)images->height;
    config.image_size[1] = (int)images->width;
    config.channels = (int)images->channels;
    /* Without labels every image is of the null class, beside which there has to be another. */
    config.num_classes = images->num_classes > 0 ? (int)images->num_classes : 1;
    PDESSM_TRY(pdessm_config_check(ctx, &config));
    *ret = config;
out:
    return status;
}
