/* SPDX-License-Identifier: MIT */
/* network.c: suites `step` and `sample`: a whole training step, a whole batch of samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <pdessm/sample.h>
#include <pdessm/train.h>

#include "bench.h"
#include "shared/network.h"
#include "shared/print.h"

/* One of the two suites' subject, ready to run. */
typedef struct subject {
    bench_job *j;
    bench_device *d;
    pdessm_config config;
    pdessm_dataset *data;
    pdessm_trainer *trainer;
    pdessm_model *model;
    pdessm_sample_options sampling;
    float *images;
    int32_t *labels;
} subject;

static void release(subject *s) {
    pdessm_trainer_destroy(&s->trainer);
    pdessm_dataset_destroy(&s->data);
    pdessm_model_destroy(&s->model);
    free(s->images);
    free(s->labels);
}

/* ------------------------------------------------------------------ memory of the process */

/* Linux forgets the peak of the resident memory when asked to; elsewhere, and where that is not
 * allowed, there is no peak of one case. What earlier cases have freed goes back first. */
static int forget_process_peak(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    FILE *file = fopen("/proc/self/clear_refs", "w");
    int good = file && fputs("5", file) >= 0;
    if (file)
        good = fclose(file) == 0 && good;
    return good;
}

static double process_peak(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long kib = -1;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib < 0 ? NAN : 1024.0 * (double)kib;
}

/* ------------------------------------------------------------------ making the subject */

static pdessm_status configure(subject *s, const bench_point *p) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_config_preset(s->j->c->ctx, p->model, &s->config));
    s->config.image_size[0] = (int)p->height;
    s->config.image_size[1] = (int)p->width;
    PDESSM_TRY(pdessm_config_check(s->j->c->ctx, &s->config));
out:
    return status;
}

static pdessm_status make_trainer(subject *s, const bench_point *p) {
    enum { LEAST_IMAGES = 64 };
    pdessm_status status = PDESSM_OK;
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_dataset_options images = {.height = p->height,
                                     .width = p->width,
                                     .channels = s->config.channels,
                                     .limit = p->batch > LEAST_IMAGES ? p->batch : LEAST_IMAGES,
                                     .seed = (uint64_t)s->j->c->seed};
    o.batch = (int)p->batch;
    o.seed = (uint64_t)s->j->c->seed;
    PDESSM_TRY(pdessm_dataset_open(s->j->c->ctx, "shapes", &images, &s->data));
    PDESSM_TRY(pdessm_trainer_create(s->d->device, s->data, &s->config, &o, &s->trainer));
out:
    return status;
}

static pdessm_status make_sampler(subject *s, const bench_point *p) {
    pdessm_context *ctx = s->j->c->ctx;
    pdessm_status status = PDESSM_OK;
    const size_t n = (size_t)s->j->o.images;
    const size_t pixels = (size_t)(s->config.channels * p->height * p->width);
    PDESSM_TRY(pdessm_model_create(s->d->device, &s->config, 0, &s->model));
    PDESSM_TRY(pdessm_model_init(s->model, (uint64_t)s->j->c->seed));
    PDESSM_TRY(pdessm_alloc(ctx, n * pixels, sizeof *s->images, &s->images));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *s->labels, &s->labels));
    s->sampling = pdessm_sample_defaults();
    s->sampling.solver = s->j->o.solver;
    s->sampling.steps = (int)s->j->o.steps;
    s->sampling.batch = (int)p->batch;
    s->sampling.seed = (uint64_t)s->j->c->seed;
    for (size_t i = 0; i < n; i++)
        s->labels[i] = (int32_t)(i % (size_t)s->config.num_classes);
out:
    return status;
}

static pdessm_status run_step(void *user) {
    subject *s = user;
    return pdessm_trainer_step(s->trainer);
}

static pdessm_status run_sample(void *user) {
    subject *s = user;
    return pdessm_sample(s->model, &s->sampling, s->j->o.images, s->labels, s->images, NULL);
}

static bench_work work_of(subject *s) {
    return (bench_work){s->d->device, s->trainer ? run_step : run_sample, s};
}

static int fits(subject *s, bench_row *row) {
    pdessm_memory_estimate need;
    pdessm_context *ctx = s->j->c->ctx;
    int batch = (int)row->point.batch;
    pdessm_status status = row->point.suite == BENCH_STEP
                               ? pdessm_memory_to_train(ctx, &s->config, batch, &need)
                               : pdessm_memory_to_sample(ctx, &s->config, batch, &need);
    if (status == PDESSM_OK)
        return pdessm_cli_bench_fits(s->j, row, (double)need.total, (double)need.largest_buffer);
    pdessm_cli_bench_stop(s->j, row, status);
    return 0;
}

/* ------------------------------------------------------------------ inside a run */

/* Runs with every operator's time taken; the rows are of all runs together. */
static pdessm_status profile(subject *s, int64_t runs, double *ret_seconds,
                             pdessm_profile_row **ret_rows, int *ret_count) {
    bench_work w = work_of(s);
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_device_profile_enable(w.device, 1));
    PDESSM_TRY(pdessm_cli_bench_time(&w, runs, ret_seconds));
    PDESSM_TRY(pdessm_device_profile(w.device, ret_rows, ret_count));
    PDESSM_TRY(pdessm_device_profile_enable(w.device, 0));
out:
    return status;
}

/* The operators that ran in plain C although the device has a backend and nobody asked for it. */
static const char *strays(const subject *s, const pdessm_profile_row *rows, int count) {
    const char *text = NULL;
    for (int i = 0; s->d->device->backend && i < count; i++) {
        pdessm_op op = pdessm_op_find(rows[i].name);
        pdessm_pass pass = strcmp(rows[i].pass, "backward") == 0 ? PDESSM_BACKWARD : PDESSM_FORWARD;
        if (strcmp(rows[i].place, "host") == 0 && !s->d->routed[op][pass])
            text = pdessm_cli_text(s->j->c, "%s%s%s (%s)", text ? text : "", text ? ", " : "",
                                   rows[i].name, rows[i].pass);
    }
    return text;
}

/* The first run of all tells what it costs and where it ran. */
static pdessm_status measure_first(subject *s, bench_row *row) {
    pdessm_profile_row *rows = NULL;
    int count = 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(profile(s, 1, &row->first, &rows, &count));
    row->flops = row->bytes = 0;
    for (int i = 0; i < count; i++) {
        row->flops += rows[i].flops;
        row->bytes += rows[i].bytes;
    }
    const char *stray = strays(s, rows, count);
    if (stray)
        pdessm_cli_bench_settle(row, BENCH_UNSUPPORTED,
                                pdessm_cli_text(s->j->c, "in plain C on this device: %s", stray));
out:
    free(rows);
    return status;
}

static pdessm_status measure_detail(subject *s, bench_row *row) {
    int64_t runs = row->runs * row->count;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(profile(s, runs, &row->profiled_seconds, &row->operator_row, &row->operators));
    row->profiled_seconds /= (double)runs;
    for (int i = 0; i < row->operators; i++) {
        pdessm_profile_row *o = &row->operator_row[i];
        o->calls /= runs;
        o->seconds /= (double)runs;
        o->flops /= (double)runs;
        o->bytes /= (double)runs;
    }
out:
    return status;
}

/* A network that has run away does other work than one that trains. */
static pdessm_status check_loss(subject *s) {
    pdessm_train_report report;
    pdessm_status status = PDESSM_OK;
    if (!s->trainer)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_trainer_report(s->trainer, &report));
    PDESSM_REQUIRE(s->j->c->ctx, report.bad_steps == 0 && isfinite(report.loss),
                   PDESSM_ERROR_NUMERIC,
                   "%lld of %lld steps had a loss or gradient that is not "
                   "finite",
                   (long long)report.bad_steps, (long long)report.step);
out:
    return status;
}

/* Loss and gradients of the same network on small images; sampling has no reference. */
static pdessm_status validate(subject *s, bench_row *row) {
    cli_network_error e;
    pdessm_status status = PDESSM_OK;
    if (row->point.suite != BENCH_STEP)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_cli_network_compare(row->point.model, (uint64_t)s->j->c->seed, s->d->device,
                                          s->d->reference, &e));
    row->error = e.gradients.error;
    row->tolerance = e.gradients.tolerance;
    if (!(e.gradients.error <= e.gradients.tolerance && e.loss.error <= e.loss.tolerance))
        pdessm_cli_bench_settle(
            row, BENCH_ERROR,
            pdessm_cli_text(s->j->c,
                            "wrong result: against %s the loss differs by %.2e (at most %.1e is "
                            "rounding), the gradient of %s by %.2e (at most %.1e)",
                            s->d->reference_name, e.loss.error, e.loss.tolerance, e.worst_gradient,
                            e.gradients.error, e.gradients.tolerance));
out:
    return status;
}

static pdessm_status measure(subject *s, bench_row *row) {
    pdessm_device *d = s->d->device;
    pdessm_status status = PDESSM_OK;
    int knows_peak = forget_process_peak();
    int64_t base = 0, peak = 0;
    int training = row->point.suite == BENCH_STEP;
    pdessm_device_forget_peak(d);
    base = pdessm_device_memory(d, NULL);
    PDESSM_TRY(training ? make_trainer(s, &row->point) : make_sampler(s, &row->point));
    row->parameters = (double)pdessm_model_parameter_count(
        training ? pdessm_trainer_model(s->trainer) : s->model);
    row->images = (double)(training ? row->point.batch : s->j->o.images);
    PDESSM_TRY(measure_first(s, row));
    pdessm_device_memory(d, &peak);
    row->peak_bytes = (double)(peak - base);
    if (row->reached)
        return PDESSM_OK;
    bench_work w = work_of(s);
    PDESSM_TRY(pdessm_cli_bench_measure(s->j, &w, NULL, row));
    row->process_peak = knows_peak ? process_peak() : NAN;
    if (row->count == 0) {
        pdessm_cli_bench_settle(row, BENCH_SKIPPED, "--max-time came while it was warming up");
        return PDESSM_OK;
    }
    PDESSM_TRY(check_loss(s));
    if (s->j->o.detail)
        PDESSM_TRY(measure_detail(s, row));
    pdessm_cli_bench_settle(row, BENCH_OK, NULL);
    if (s->j->o.validate)
        PDESSM_TRY(validate(s, row));
out:
    return status;
}

pdessm_status pdessm_cli_bench_network(bench_job *j, bench_row *row) {
    subject s = {.j = j, .d = &j->device[row->device]};
    pdessm_status status = configure(&s, &row->point);
    if (status != PDESSM_OK) /* such as images that patches do not cover */
        return pdessm_cli_bench_stop(j, row, PDESSM_ERROR_UNSUPPORTED);
    if (fits(&s, row))
        status = measure(&s, row);
    release(&s);
    return status == PDESSM_OK ? PDESSM_OK : pdessm_cli_bench_stop(j, row, status);
}
