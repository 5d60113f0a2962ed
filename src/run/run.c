/* SPDX-License-Identifier: MIT */
/* run.c: the loop of a training run: steps, reports, checkpoints, pictures, tests. */
#include "run/run.h"

#include <math.h>
#include <stdio.h>

#include "core/clock.h"

/* Steps between looks at the trainer. A look waits for the device; it happens at fixed steps, so
 * that what is logged does not depend on the clock. */
enum { LOOK_EVERY = 10, BAD_STEPS_THAT_STOP = 10 };

static double elapsed(const pdessm_run *r) {
    return pdessm_seconds() - r->start;
}

static int64_t step_of(const pdessm_run *r) {
    return pdessm_trainer_step_count(r->trainer);
}

/* ------------------------------------------------------------------ progress */

/* Steps alone, or the time where it ends the run first. */
static double share_done(const pdessm_run *r) {
    const pdessm_run_settings *s = &r->settings;
    const double first = (double)r->first_step / (double)s->steps;
    const double by_steps =
        (double)(step_of(r) - r->first_step) / (double)(s->steps - r->first_step);
    const double by_time = s->max_time > 0 ? elapsed(r) / s->max_time : 0;
    return first + (1 - first) * fmin(fmax(by_steps, by_time), 1);
}

static int tell(pdessm_run *r) {
    r->now = (pdessm_run_progress){.stage = PDESSM_RUN_TRAIN,
                                   .share = share_done(r),
                                   .done = step_of(r),
                                   .total = r->settings.steps,
                                   .level = pdessm_trainer_level(r->trainer),
                                   .loss = r->last_loss,
                                   .images_per_second = r->images_per_second};
    return pdessm_run_tell(r);
}

/* ------------------------------------------------------------------ reports */

static pdessm_status stop_for_bad_steps(pdessm_run *r, const pdessm_train_report *report) {
    const char *name = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_trainer_find_bad(r->trainer, &name));
    status = pdessm_fail(
        r->ctx, PDESSM_ERROR_NUMERIC,
        "step %lld: %d steps in a row had a loss or gradient that is not finite; the first bad "
        "tensor is %s; %s%s: try a lower --lr or --pde-lr-scale",
        (long long)report->step, report->bad_in_a_row, name ? name : "the loss",
        r->saved_step >= 0 ? "the last good checkpoint is in " : "nothing was saved in ",
        r->folder);
out:
    return status;
}

static pdessm_status look(pdessm_run *r, pdessm_train_report *ret) {
    pdessm_status status = PDESSM_OK;
    const int64_t before = r->bad_steps, steps = step_of(r);
    PDESSM_TRY(pdessm_trainer_report(r->trainer, ret));
    r->bad_steps = ret->bad_steps;
    if (ret->bad_steps > before)
        pdessm_log(r->ctx, PDESSM_LOG_WARNING,
                   "step %lld: %lld steps skipped so far because loss or gradient was not finite",
                   (long long)steps, (long long)ret->bad_steps);
    if (isfinite(ret->loss)) {
        const int64_t since = steps - r->look_step - (ret->bad_steps - before);
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

static pdessm_status append_line(pdessm_run *r, const pdessm_train_report *report) {
    const double seconds = elapsed(r);
    const int64_t images = pdessm_trainer_image_count(r->trainer);
    int64_t peak = 0;
    pdessm_device_memory(r->device, &peak);
    if (seconds > r->line_seconds && report->step > r->line_step)
        r->images_per_second = (double)(images - r->line_images) / (seconds - r->line_seconds);
    const pdessm_log_line line = {.step = report->step,
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
    return pdessm_log_file_append(&r->log, &line);
}

static pdessm_status write_line(pdessm_run *r) {
    pdessm_train_report report;
    pdessm_status status = look(r, &report);
    if (status == PDESSM_OK && report.step > r->line_step)
        status = append_line(r, &report);
    return status;
}

/* ------------------------------------------------------------------ the loop */

static pdessm_status save(pdessm_run *r) {
    const pdessm_status status = pdessm_trainer_save(r->trainer, r->folder, (int)r->settings.keep);
    if (status == PDESSM_OK)
        r->saved_step = step_of(r);
    return status;
}

/* A line of the log ends at each checkpoint, so that those of a resumed run leave out no step. */
pdessm_status pdessm_run_save(pdessm_run *r) {
    pdessm_status status = PDESSM_OK;
    if (r->saved_step == step_of(r))
        return status;
    PDESSM_TRY(write_line(r));
    PDESSM_TRY(save(r));
out:
    return status;
}

/* A cancellation during pictures or test is no failure; the loop sees it too. */
static pdessm_status unless_cancelled(pdessm_status status) {
    return status == PDESSM_ERROR_CANCELLED ? PDESSM_OK : status;
}

static int test_is_due(const pdessm_run *r, int last) {
    const int64_t every = r->settings.evaluate_every, step = step_of(r);
    return r->accuracy.test && (last || (every && step > 0 && step % every == 0)) && !r->cancelled;
}

/* Report, line, checkpoint, pictures and test, each when it is due or at the end. */
static pdessm_status after_step(pdessm_run *r, int last) {
    const pdessm_run_settings *s = &r->settings;
    const int64_t step = step_of(r);
    const int saves = last || step % s->save_every == 0;
    const int logs = saves || step % s->log_every == 0;
    pdessm_train_report report;
    pdessm_status status = PDESSM_OK;
    if (logs)
        PDESSM_TRY(write_line(r));
    else if (step % LOOK_EVERY == 0)
        PDESSM_TRY(look(r, &report));
    const double pause = elapsed(r);
    if (saves)
        PDESSM_TRY(save(r));
    if (s->sample_every && (step % s->sample_every == 0 || last) && !r->cancelled)
        PDESSM_TRY(unless_cancelled(pdessm_run_draw_samples(r)));
    if (test_is_due(r, last))
        PDESSM_TRY(unless_cancelled(pdessm_run_test(r)));
    r->line_seconds += elapsed(r) - pause; /* images/s is about training alone */
    tell(r);
out:
    return status;
}

void pdessm_run_ready(pdessm_run *r) {
    const int64_t step = step_of(r);
    r->earlier = r->log.seconds;
    r->first_step = r->line_step = r->look_step = step;
    r->line_images = pdessm_trainer_image_count(r->trainer);
    r->saved_step = r->checkpoint ? step : -1;
    r->last_loss = r->log.last_step >= 0 ? r->log.last_value : (double)NAN;
    if (step >= r->settings.steps)
        pdessm_log(r->ctx, PDESSM_LOG_NOTE,
                   "the run has its %lld steps already; --steps N extends it",
                   (long long)r->settings.steps);
}

static pdessm_status train(pdessm_run *r, int64_t until) {
    const pdessm_run_settings *s = &r->settings;
    pdessm_status status = PDESSM_OK;
    tell(r);
    if (test_is_due(r, 0)) /* the one that an interruption took away */
        PDESSM_TRY(unless_cancelled(pdessm_run_test(r)));
    while (step_of(r) < until) {
        PDESSM_TRY(pdessm_trainer_step(r->trainer));
        r->time_up = s->max_time > 0 && elapsed(r) >= s->max_time;
        const int last = step_of(r) >= s->steps || r->time_up;
        PDESSM_TRY(after_step(r, last));
        if (last || r->cancelled)
            break;
    }
out:
    return status;
}

pdessm_status pdessm_run_step_until(pdessm_run *r, int64_t until) {
    const int64_t steps = r->settings.steps;
    pdessm_status status = PDESSM_OK;
    if (!r->begun)
        r->start = pdessm_seconds();
    r->begun = 1;
    r->cancelled = 0;
    if (step_of(r) < steps)
        PDESSM_TRY(train(r, until < steps ? until : steps));
    if (test_is_due(r, step_of(r) >= steps))
        PDESSM_TRY(unless_cancelled(pdessm_run_test(r)));
    if (r->cancelled) {
        PDESSM_TRY(pdessm_run_save(r));
        status = pdessm_fail(r->ctx, PDESSM_ERROR_CANCELLED,
                             "interrupted after step %lld, saved in %s", (long long)step_of(r),
                             pdessm_run_at(r, "step-%08lld", (long long)step_of(r)).text);
    }
out:
    return status;
}

const pdessm_run_result *pdessm_run_get_result(pdessm_run *r) {
    const int64_t step = step_of(r);
    r->saved = pdessm_run_at(r, "step-%08lld", (long long)r->saved_step);
    r->result = (pdessm_run_result){
        .ending = r->cancelled                ? PDESSM_RUN_CANCELLED
                  : step >= r->settings.steps ? PDESSM_RUN_COMPLETE
                  : r->time_up                ? PDESSM_RUN_TIME_UP
                                              : PDESSM_RUN_UNFINISHED,
        .step = step,
        .checkpoint = r->saved_step >= 0 ? r->saved.text : NULL,
        .loss = r->last_loss,
        .images_per_second = r->images_per_second,
        .seconds = r->log.seconds,
        .bad_steps = r->bad_steps,
        .accuracy = NAN,
    };
    if (r->accuracy.test && r->accuracy.step == step) {
        r->result.accuracy = r->accuracy.value;
        r->result.test_images = pdessm_dataset_get_info(r->accuracy.test)->count;
    }
    return &r->result;
}
