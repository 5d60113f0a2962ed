/* SPDX-License-Identifier: MIT */
/* level_variance.c: how much the terms of the multiscale gradient estimator scatter for a trained
 * network, as JSON: tools/measure/levels.py.
 *
 * level_variance CHECKPOINT DATA LEVELS BATCH REPEATS
 *
 * A row for each level: the variance, for one image, of grad L_l - grad L_{l+1} (at the coarsest
 * level of grad L_l), of grad L_l alone at the finest, and the floating point operations of an
 * image in either. Variances are traces of the covariance, `adam` of the gradient divided by the
 * root of the second moment that the checkpoint's optimiser has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/pdessm.h>
#include <pdessm/train.h>

#include "train/trainer.h"

typedef struct job {
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_dataset *data;
    pdessm_trainer *trainer;
    int64_t n;              /* numbers of a gradient */
    float *gradient, *root; /* root of the second moment */
} job;

/* Sums over repeats, number by number. */
typedef struct spread {
    double *sum;
    double squares, adam_squares, flops;
} spread;

static double weight(const job *j, int64_t i) {
    return 1 / ((double)j->root[i] + 1e-8);
}

static pdessm_status open_all(job *j, char **argv) {
    pdessm_status status = PDESSM_OK;
    const pdessm_context_options options = {.threads = 1};
    const pdessm_dataset_options images = {0};
    pdessm_train_options o = pdessm_train_defaults();
    o.resolution = PDESSM_RESOLUTION_MGE;
    o.levels = atoi(argv[3]);
    o.batch = atoi(argv[4]);
    o.seed = 1;
    PDESSM_TRY(pdessm_context_create(&options, &j->ctx));
    PDESSM_TRY(pdessm_device_open(j->ctx, "cpu", &j->device));
    PDESSM_TRY(pdessm_dataset_open(j->ctx, argv[2], &images, &j->data));
    PDESSM_TRY(pdessm_trainer_resume(j->device, j->data, argv[1], &o, &j->trainer));
    j->n = pdessm_tensor_count(&j->trainer->model->gradients.all);
    PDESSM_TRY(pdessm_alloc(j->ctx, (size_t)j->n, sizeof *j->gradient, &j->gradient));
    PDESSM_TRY(pdessm_alloc(j->ctx, (size_t)j->n, sizeof *j->root, &j->root));
    PDESSM_TRY(pdessm_tensor_read(&j->trainer->second_moment.all, j->root));
    /* As AdamW corrects it for its start at zero. */
    const double bias = 1 - pow(o.beta2, (double)j->trainer->step);
    for (int64_t i = 0; i < j->n; i++)
        j->root[i] = (float)sqrt((double)j->root[i] / bias);
out:
    return status;
}

/* Adds the gradient that these runs make together. */
static pdessm_status add(job *j, const pdessm_trainer_pass *run, int runs, spread *s) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_zero(&j->trainer->model->gradients.all));
    j->trainer->flops = 0;
    for (int i = 0; i < runs; i++)
        PDESSM_TRY(pdessm_trainer_run(j->trainer, &run[i]));
    PDESSM_TRY(pdessm_tensor_read(&j->trainer->model->gradients.all, j->gradient));
    s->flops = j->trainer->flops;
    for (int64_t i = 0; i < j->n; i++) {
        const double g = (double)j->gradient[i], scaled = g * weight(j, i);
        s->sum[i] += g;
        s->squares += g * g;
        s->adam_squares += scaled * scaled;
    }
out:
    return status;
}

/* Of `images` images together, `repeats` times. */
static void print(const job *j, const char *what, int level, const spread *s, int64_t images,
                  int repeats) {
    double mean = 0, adam_mean = 0;
    for (int64_t i = 0; i < j->n; i++) {
        const double m = s->sum[i] / repeats, scaled = m * weight(j, i);
        mean += m * m;
        adam_mean += scaled * scaled;
    }
    const double all = (double)images * repeats / (repeats - 1);
    printf("{\"level\": %d, \"term\": \"%s\", \"variance\": %.6g, \"adam\": %.6g, \"flops\": %.6g}",
           level, what, all * (s->squares / repeats - mean),
           all * (s->adam_squares / repeats - adam_mean), s->flops / (double)images);
}

/* One term of the sum, or the finest level's gradient alone. */
static pdessm_status measure(job *j, int level, int alone, int repeats) {
    pdessm_status status = PDESSM_OK;
    const pdessm_train_options *o = &j->trainer->options;
    const int64_t first = (((int64_t)1 << level) - 1) * o->batch,
                  images = (int64_t)o->batch << level;
    const int64_t start = j->trainer->step;
    pdessm_trainer_pass all[PDESSM_MOST_RUNS], run[PDESSM_MOST_RUNS];
    spread s = {0};
    int runs = 0;
    PDESSM_TRY(pdessm_alloc(j->ctx, (size_t)j->n, sizeof *s.sum, &s.sum));
    const int count = pdessm_level_runs(o, start, 0, all);
    for (int i = 0; i < count; i++)
        if (all[i].first >= first && all[i].first < first + images && !(alone && all[i].level))
            run[runs++] = all[i];
    for (int r = 0; r < repeats; r++) {
        j->trainer->step = start + r;
        PDESSM_TRY(add(j, run, runs, &s));
    }
    print(j,
          alone                   ? "gradient"
          : level + 1 < o->levels ? "difference"
                                  : "coarsest",
          level, &s, images, repeats);
out:
    j->trainer->step = start;
    free(s.sum);
    return status;
}

static pdessm_status measure_all(job *j, char **argv) {
    pdessm_status status = PDESSM_OK;
    const int repeats = atoi(argv[5]);
    PDESSM_TRY(open_all(j, argv));
    fputs("[", stdout);
    PDESSM_TRY(measure(j, 0, 1, repeats));
    for (int l = 0; l < j->trainer->options.levels; l++) {
        fputs(", ", stdout);
        PDESSM_TRY(measure(j, l, 0, repeats));
    }
    puts("]");
out:
    return status;
}

int main(int argc, char **argv) {
    job j = {0};
    if (argc != 6 || atoi(argv[5]) < 2) {
        fputs("usage: level_variance CHECKPOINT DATA LEVELS BATCH REPEATS (2 or more)\n", stderr);
        return 2;
    }
    pdessm_status status = measure_all(&j, argv);
    if (status != PDESSM_OK)
        fprintf(stderr, "level_variance: %s\n", j.ctx ? pdessm_context_error(j.ctx) : "no context");
    free(j.gradient);
    free(j.root);
    pdessm_trainer_destroy(&j.trainer);
    pdessm_dataset_destroy(&j.data);
    pdessm_device_destroy(&j.device);
    pdessm_context_destroy(&j.ctx);
    return status != PDESSM_OK;
}
