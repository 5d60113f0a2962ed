/* SPDX-License-Identifier: MIT */
/* run.c: the loop of a training run. */
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "files/pictures.h"
#include "shared/interrupt.h"
#include "shared/paths.h"

/* Steps between looks at the trainer. A look waits for the device; it happens at fixed steps, so
 * that what is logged does not depend on the clock. */
enum { LOOK_EVERY = 10, BAD_STEPS_THAT_STOP = 10 };

static double elapsed(const cli_train_run *r) {
    return pdessm_seconds() - r->start;
}

/* ------------------------------------------------------------------ pictures */

static int stop_for_interrupt(void *user, double share) {
    (void)user;
    (void)share;
    return pdessm_cli_interrupted();
}

/* A row of each of the first classes, drawn with the averaged weights. */
static pdessm_status draw_samples(cli_train_run *r) {
    enum { ROWS = 10, COLUMNS = 4, STEPS = 25 };
    pdessm_status status = PDESSM_OK;
    pdessm_model *average = pdessm_trainer_average(r->trainer);
    const pdessm_config *config = pdessm_model_get_config(average);
    const int level = pdessm_trainer_level(r->trainer); /* what it has learnt so far */
    pdessm_pictures p = {.channels = config->channels,
                         .height = config->image_size[0] >> level,
                         .width = config->image_size[1] >> level,
                         .num_classes = config->num_classes,
                         .scale = (config->image_size[0] < 64 ? 2 : 1) << level};
    pdessm_sample_options o = pdessm_sample_defaults();
    o.height = (int)p.height;
    o.width = (int)p.width;
    o.steps = STEPS;
    /* Without label dropout the null class has learnt nothing to guide by. */
    o.guidance = r->settings->label_dropout > 0 && r->images->has_labels ? 2 : 1;
    o.batch = (int)(r->settings->batch < 40 ? r->settings->batch : 40);
    o.seed = (uint64_t)r->settings->seed;
    o.progress = stop_for_interrupt;
    p.rows = config->num_classes < ROWS ? config->num_classes : ROWS;
    p.count = (int64_t)p.rows * COLUMNS;
    const char *folder = pdessm_cli_text(r->c, "%s/samples", r->folder);
    p.class_names = pdessm_cli_class_names(r->c, pdessm_cli_text(r->c, "%s/model", r->folder),
                                           config->num_classes);
    PDESSM_TRY(pdessm_make_folder(r->c->ctx, folder));
    PDESSM_TRY(pdessm_pictures_allocate(r->c->ctx, &p));
    for (int64_t i = 0; i < p.count; i++)
        p.labels[i] = r->images->has_labels ? (int32_t)(i / COLUMNS) : config->num_classes;
    PDESSM_TRY(pdessm_sample(average, &o, p.count, p.labels, p.images, NULL));
    PDESSM_TRY(
        pdessm_pictures_write(r->c->ctx, &p,
                              pdessm_cli_text(r->c, "%s/step-%08lld.png", folder,
                                              (long long)pdessm_trainer_step_count(r->trainer))));
out:
    pdessm_pictures_release(&p);
    return status;
}

/* ------------------------------------------------------------------ reports */

static pdessm_status stop_for_bad_steps(cli_train_run *r, const pdessm_train_report *report) {
    const char *name = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_trainer_find_bad(r->trainer, &name));
    status = pdessm_fail(
        r->c->ctx, PDESSM_ERROR_NUMERIC,
        "step %lld: %d steps in a row had a loss or gradient that is not finite; the first bad "
        "tensor is %s; %s%s: try a lower --lr or --pde-lr-scale",
        (long long)report->step, report->bad_in_a_row, name ? name : "the loss",
        r->saved_step >= 0 ? "the last good checkpoint is in " : "nothing was saved in ",
        r->folder);
out:
    return status;
}

static pdessm_status look(cli_train_run *r, pdessm_train_report *ret) {
    pdessm_status status = PDESSM_OK;
    int64_t before = r->bad_steps, steps = pdessm_trainer_step_count(r->trainer);
    PDESSM_TRY(pdessm_trainer_report(r->trainer, ret));
    r->bad_steps = ret->bad_steps;
    if (ret->bad_steps > before)
        pdessm_cli_warn(r->c,
                        "step %lld: %lld steps skipped so far because loss or gradient was not "
                        "finite",
                        (long long)steps, (long long)ret->bad_steps);
    if (isfinite(ret->loss)) {
        int64_t since = steps - r->look_step - (ret->bad_steps - before);
        r->loss_sum += ret->loss * (double)since;
        r->loss_steps += since;
        r->last_loss = ret->loss;
    }
    r->look_step = steps;
    if (ret->bad_in_a_row >= BAD_STEPS_THAT_STOP)
        return stop_for_bad_steps(r, ret);
out:
    return status;
}

static pdessm_status write_line(cli_train_run *r, const pdessm_train_report *report) {
    const pdessm_device *device = r->c->device;
    double seconds = elapsed(r);
    int64_t peak = 0, steps = report->step - r->line_step;
    const int64_t images = pdessm_trainer_image_count(r->trainer);
    pdessm_device_memory(device, &peak);
    if (seconds > r->line_seconds && steps > 0)
        r->images_per_second = (double)(images - r->line_images) / (seconds - r->line_seconds);
    cli_log_line line = {.step = report->step,
                         .loss = r->loss_steps ? r->loss_sum / (double)r->loss_steps : NAN,
                         .rate = report->rate,
                         .gradient_norm = report->gradient_norm,
                         .images_per_second = r->images_per_second,
                         .seconds = r->earlier + seconds,
                         .memory = peak,
                         .level = pdessm_trainer_level(r->trainer),
                         .step_flops = report->flops};
    r->loss_sum = 0;
    r->loss_steps = 0;
    r->line_step = report->step;
    r->line_images = images;
    r->line_seconds = seconds;
    return pdessm_cli_train_log_append(&r->log, &line);
}

/* Steps alone, or the time where --max-time ends the run first. */
static double share_done(const cli_train_run *r, int64_t step) {
    const pdessm_run_settings *s = r->settings;
    double by_steps = (double)(step - r->first_step) / (double)(s->steps - r->first_step);
    double by_time = s->max_time > 0 ? elapsed(r) / s->max_time : 0;
    double share = by_time > by_steps ? by_time : by_steps;
    return r->bar.first_share + share * (1 - r->bar.first_share);
}

static void show(cli_train_run *r) {
    char detail[128], loss[32] = "-", speed[32] = "-", level[32] = "";
    int64_t step = pdessm_trainer_step_count(r->trainer);
    if (isfinite(r->last_loss))
        snprintf(loss, sizeof loss, "%.4f", r->last_loss);
    if (r->images_per_second > 0)
        snprintf(speed, sizeof speed, "%.0f", r->images_per_second);
    if (r->settings->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
        snprintf(level, sizeof level, "  level %d", pdessm_trainer_level(r->trainer));
    snprintf(detail, sizeof detail, "step %lld/%lld%s  loss %s  %s images/s", (long long)step,
             (long long)r->settings->steps, level, loss, speed);
    pdessm_cli_progress_update(&r->bar, share_done(r, step), detail);
}

/* ------------------------------------------------------------------ the loop */

static pdessm_status save(cli_train_run *r) {
    int64_t step = pdessm_trainer_step_count(r->trainer);
    pdessm_status status = PDESSM_OK;
    if (r->saved_step == step)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_trainer_save(r->trainer, r->folder, (int)r->settings->keep));
    r->saved_step = step;
out:
    return status;
}

static int test_is_due(const cli_train_run *r, int64_t step, int last) {
    const int64_t every = r->settings->evaluate_every;
    return r->accuracy && (last || (every && step > 0 && step % every == 0)) &&
           !pdessm_cli_interrupted();
}

static int time_is_up(const cli_train_run *r) {
    return r->settings->max_time > 0 && elapsed(r) >= r->settings->max_time;
}

/* Report, line, checkpoint, pictures and test, each when it is due or at the end. */
static pdessm_status after_step(cli_train_run *r, int last) {
    const pdessm_run_settings *s = r->settings;
    int64_t step = pdessm_trainer_step_count(r->trainer);
    pdessm_train_report report;
    pdessm_status status = PDESSM_OK;
    int saves = last || step % s->save_every == 0;
    int logs = saves || step % s->log_every == 0;
    if (logs || step % LOOK_EVERY == 0)
        PDESSM_TRY(look(r, &report));
    if (logs && step > r->line_step)
        PDESSM_TRY(write_line(r, &report));
    double pause = elapsed(r);
    if (saves)
        PDESSM_TRY(save(r));
    if (s->sample_every && (step % s->sample_every == 0 || last) && !pdessm_cli_interrupted())
        PDESSM_TRY(draw_samples(r));
    if (test_is_due(r, step, last))
        PDESSM_TRY(pdessm_cli_accuracy_test(r->accuracy, r->trainer));
    r->line_seconds += elapsed(r) - pause; /* images/s is about training alone */
    show(r);
out:
    /* An interrupt during pictures or test is no failure; the loop sees it too. */
    return status == PDESSM_ERROR_CANCELLED ? PDESSM_OK : status;
}

pdessm_status pdessm_cli_train_run(cli_train_run *r) {
    pdessm_status status = PDESSM_OK;
    r->start = pdessm_seconds();
    r->earlier = r->log.seconds;
    r->first_step = r->line_step = r->look_step = pdessm_trainer_step_count(r->trainer);
    r->line_images = pdessm_trainer_image_count(r->trainer);
    r->last_loss = NAN;
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&r->bar, r->c, "train",
                              (double)r->first_step / (double)r->settings->steps);
    show(r);
    if (test_is_due(r, r->first_step, 0)) /* the test that an interruption took away */
        status = pdessm_cli_accuracy_test(r->accuracy, r->trainer);
    if (status != PDESSM_OK && status != PDESSM_ERROR_CANCELLED)
        goto out;
    for (int last = 0; !last;) {
        PDESSM_TRY(pdessm_trainer_step(r->trainer));
        last = pdessm_trainer_step_count(r->trainer) >= r->settings->steps || time_is_up(r) ||
               pdessm_cli_interrupted();
        PDESSM_TRY(after_step(r, last));
        last = last || pdessm_cli_interrupted();
    }
    PDESSM_TRY(save(r));
out:
    pdessm_cli_progress_end(&r->bar);
    return status;
}
