/* SPDX-License-Identifier: MIT */
/* pictures.c: what a model in training draws so far. */
#include "files/pictures.h"

#include <stdlib.h>

#include "files/file.h"
#include "run/run.h"

enum { ROWS = 10, COLUMNS = 4, STEPS = 25, LARGEST_BATCH = 40 };

static pdessm_sample_options choose_options(pdessm_run *run, const pdessm_pictures *p) {
    const pdessm_run_settings *s = &run->settings;
    pdessm_sample_options o = pdessm_sample_defaults();
    o.height = (int)p->height;
    o.width = (int)p->width;
    o.steps = STEPS;
    /* Without label dropout the null class has learned nothing to guide by. */
    o.guidance = s->label_dropout > 0 && run->images.has_labels ? 2 : 1;
    o.batch = (int)(s->batch < LARGEST_BATCH ? s->batch : LARGEST_BATCH);
    o.seed = (uint64_t)s->seed;
    o.progress = pdessm_run_tell_share;
    o.user = run;
    return o;
}

pdessm_status pdessm_run_draw_samples(pdessm_run *run) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *average = pdessm_trainer_average(run->trainer);
    const pdessm_config *config = pdessm_model_get_config(average);
    const int level = pdessm_trainer_level(run->trainer); /* what it has learned so far */
    const long long step = (long long)pdessm_trainer_step_count(run->trainer);
    char **names = NULL;
    pdessm_pictures p = {.channels = config->channels,
                         .height = config->image_size[0] >> level,
                         .width = config->image_size[1] >> level,
                         .num_classes = config->num_classes,
                         .rows = config->num_classes < ROWS ? config->num_classes : ROWS,
                         .scale = (config->image_size[0] < 64 ? 2 : 1) << level};
    const pdessm_sample_options o = choose_options(run, &p);
    p.count = (int64_t)p.rows * COLUMNS;
    PDESSM_TRY(pdessm_run_read_class_names(run->ctx, pdessm_run_at(run, "model").text,
                                           config->num_classes, &names));
    p.class_names = (const char *const *)names;
    PDESSM_TRY(pdessm_make_folder(run->ctx, pdessm_run_at(run, "samples").text));
    PDESSM_TRY(pdessm_pictures_allocate(run->ctx, &p));
    for (int64_t i = 0; i < p.count; i++)
        p.labels[i] = run->images.has_labels ? (int32_t)(i / COLUMNS) : config->num_classes;
    pdessm_run_begin_stage(run, PDESSM_RUN_PICTURES, p.count);
    PDESSM_TRY(pdessm_sample(average, &o, p.count, p.labels, p.images, NULL));
    pdessm_run_tell_share(run, 1);
    PDESSM_TRY(pdessm_pictures_write(run->ctx, &p,
                                     pdessm_run_at(run, "samples/step-%08lld.png", step).text));
out:
    pdessm_pictures_release(&p);
    free(names);
    return status;
}
