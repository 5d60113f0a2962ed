/* SPDX-License-Identifier: MIT */
/* timed.c: runs one piece of work again and again on plain C and says how long each run took, so
 * that a script can alternate it with another program: tools/measure/peer/time_both.py, scaling.py.
 *
 * timed WORK [--model PRESET] [--size HxW] [--batch N] [--depth N] [--steps N] [--threads N]
 *       [--save FILE] [--profile 1] [--between 1]
 *
 * filter, filter-gradient, copy (of the filter's input): 384 channels, a grid of --size tokens;
 * gemm: a large matrix product; mixer (with the symbol kept), mixer-fresh (symbol recomputed),
 * forward, step, sample: --size pixels. sample draws --batch images in --steps steps of Heun's
 * method with guidance 2. --save writes the initial model. With --between 1 a copy runs between
 * two filters and a filter between two copies, untimed: they find caches as in one loop of both.
 * Each line of stdin is a number of seconds: the work is done until they are over, at least once,
 * and a line answers, a JSON list of seconds. At the end of stdin a last line tells the peak
 * memory, with --profile also the operators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/pdessm.h>
#include <pdessm/train.h>

#include "core/clock.h"
#include "core/random.h"
#include "device/device.h"
#include "model/build.h"

enum { FILTER_CHANNELS = 384, GEMM_ROWS = 4096, GEMM_SIZE = 1024, MOST_RUNS = 100000 };

typedef struct timed {
    const char *model_name, *save;
    int height, width, batch, depth, steps, threads, profile, between;
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_config config;
    pdessm_model *model;
    pdessm_tape *tape;
    pdessm_dataset *data;
    pdessm_trainer *trainer;
    pdessm_call call; /* of a single operator */
    float *images;
    int32_t *labels;
} timed;

typedef struct work {
    const char *name;
    pdessm_status (*prepare)(timed *t);
    pdessm_status (*once)(timed *t);
    pdessm_status (*between)(timed *t); /* or NULL */
} work;

/* ------------------------------------------------------------------ tensors of no special content
 */

/* Deterministic, in [-1, 1). */
static pdessm_status fill(timed *t, pdessm_tensor *x) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = pdessm_tensor_count(x);
    float *values = NULL;
    PDESSM_TRY(pdessm_alloc(t->ctx, (size_t)n, sizeof *values, &values));
    pdessm_quick_fill(values, n, 1);
    PDESSM_TRY(pdessm_tensor_write(x, values));
out:
    free(values);
    return status;
}

static pdessm_status make_filled(timed *t, int rank, const int64_t *dims, pdessm_tensor **ret) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(t->device, PDESSM_FLOAT32, rank, dims, ret));
    PDESSM_TRY(fill(t, *ret));
out:
    return status;
}

static pdessm_status prepare_filter(timed *t) {
    const int64_t image[] = {t->batch, t->height, t->width, FILTER_CHANNELS};
    const int64_t modes[] = {t->height, t->width / 2 + 1, FILTER_CHANNELS, 2};
    pdessm_status status = PDESSM_OK;
    t->call = (pdessm_call){.op = PDESSM_OP_spectral_filter};
    PDESSM_TRY(make_filled(t, 4, image, &t->call.operand[0]));
    PDESSM_TRY(make_filled(t, 4, modes, &t->call.operand[1]));
    PDESSM_TRY(make_filled(t, 4, image, &t->call.operand[2]));
    PDESSM_TRY(make_filled(t, 4, image, &t->call.gradient[0]));
    PDESSM_TRY(make_filled(t, 4, modes, &t->call.gradient[1]));
    PDESSM_TRY(make_filled(t, 4, image, &t->call.gradient[2]));
out:
    return status;
}

static pdessm_status run_call(timed *t) {
    t->call.pass = PDESSM_FORWARD;
    return pdessm_dispatch(t->device, &t->call);
}

/* Forward, then the gradients by u and by the symbol. */
static pdessm_status run_filter_gradient(timed *t) {
    pdessm_status status = run_call(t);
    t->call.pass = PDESSM_BACKWARD;
    return status == PDESSM_OK ? pdessm_dispatch(t->device, &t->call) : status;
}

/* One piece of a copy by all threads. */
static void copy_piece(void *argument, int64_t index, int worker) {
    timed *t = argument;
    const size_t bytes = pdessm_tensor_bytes(t->call.operand[0]);
    const size_t i = (size_t)index, pieces = (size_t)pdessm_pool_workers(t->ctx->pool);
    const size_t begin = bytes * i / pieces, end = bytes * (i + 1) / pieces;
    const char *source = pdessm_tensor_host(t->call.operand[0]);
    char *target = pdessm_tensor_host(t->call.operand[2]);
    (void)worker;
    memcpy(target + begin, source + begin, end - begin);
}

static pdessm_status run_copy(timed *t) {
    pdessm_parallel(t->ctx->pool, pdessm_pool_workers(t->ctx->pool), copy_piece, t);
    return PDESSM_OK;
}

static pdessm_status prepare_gemm(timed *t) {
    pdessm_status status = PDESSM_OK;
    t->call = (pdessm_call){.op = PDESSM_OP_linear};
    PDESSM_TRY(make_filled(t, 2, (const int64_t[]){GEMM_ROWS, GEMM_SIZE}, &t->call.operand[0]));
    PDESSM_TRY(make_filled(t, 2, (const int64_t[]){GEMM_SIZE, GEMM_SIZE}, &t->call.operand[1]));
    PDESSM_TRY(make_filled(t, 2, (const int64_t[]){GEMM_ROWS, GEMM_SIZE}, &t->call.operand[3]));
out:
    return status;
}

static pdessm_status make_model(timed *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_model_create(t->device, &t->config, 0, &t->model));
    PDESSM_TRY(pdessm_model_init(t->model, 0));
    if (t->save)
        PDESSM_TRY(pdessm_model_save(t->model, t->save));
out:
    return status;
}

static pdessm_status prepare_forward(timed *t) {
    const int64_t batch = t->batch;
    const int64_t image[] = {batch, t->config.channels, t->height, t->width};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(make_model(t));
    PDESSM_TRY(pdessm_tape_create(t->device, &t->tape));
    pdessm_tensor *x = pdessm_tape_input(t->tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *time = pdessm_tape_input(t->tape, PDESSM_FLOAT32, 1, &batch);
    pdessm_tensor *label = pdessm_tape_input(t->tape, PDESSM_INT32, 1, &batch);
    pdessm_tape_output(t->tape, pdessm_model_velocity(t->model, t->tape, x, time, label));
    PDESSM_TRY(pdessm_tape_plan(t->tape, NULL));
    PDESSM_TRY(fill(t, x));
    PDESSM_TRY(fill(t, time));
    PDESSM_TRY(pdessm_tensor_write(label, t->labels));
out:
    return status;
}

/* The first block's mixer alone: [B, N, C] -> [B, N, C]. */
static pdessm_status prepare_mixer(timed *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(make_model(t));
    PDESSM_TRY(pdessm_tape_create(t->device, &t->tape));
    const pdessm_builder b = {.model = t->model,
                              .tape = t->tape,
                              .batch = t->batch,
                              .height = t->height / t->config.patch,
                              .width = t->width / t->config.patch};
    const int64_t tokens[] = {b.batch, b.height * b.width, t->config.width};
    pdessm_tensor *h = pdessm_tape_input(t->tape, PDESSM_FLOAT32, 3, tokens);
    pdessm_tape_output(t->tape, pdessm_build_mixer(&b, 0, h));
    PDESSM_TRY(pdessm_tape_plan(t->tape, NULL));
    PDESSM_TRY(fill(t, h));
out:
    return status;
}

static pdessm_status run_tape(timed *t) {
    return pdessm_tape_forward(t->tape);
}

/* As while training: the coefficients have changed. */
static pdessm_status run_fresh(timed *t) {
    pdessm_tape_invalidate(t->tape);
    return pdessm_tape_forward(t->tape);
}

static pdessm_status prepare_step(timed *t) {
    const pdessm_dataset_options data = {
        .height = t->height, .width = t->width, .limit = 4 * (int64_t)t->batch};
    pdessm_train_options options = pdessm_train_defaults();
    pdessm_status status = PDESSM_OK;
    options.batch = t->batch;
    if (t->save) {
        PDESSM_TRY(make_model(t));
        pdessm_model_destroy(&t->model);
    }
    PDESSM_TRY(pdessm_dataset_open(t->ctx, "shapes", &data, &t->data));
    PDESSM_TRY(pdessm_trainer_create(t->device, t->data, &t->config, &options, &t->trainer));
out:
    return status;
}

static pdessm_status run_step(timed *t) {
    return pdessm_trainer_step(t->trainer);
}

static pdessm_status prepare_sample(timed *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(make_model(t));
    PDESSM_TRY(pdessm_alloc(t->ctx, (size_t)(t->batch * t->config.channels * t->height * t->width),
                            sizeof *t->images, &t->images));
out:
    return status;
}

static pdessm_status run_sample(timed *t) {
    pdessm_sample_options options = pdessm_sample_defaults();
    options.steps = t->steps;
    options.guidance = 2;
    options.batch = t->batch;
    return pdessm_sample(t->model, &options, t->batch, t->labels, t->images, NULL);
}

static const work works[] = {
    {"filter", prepare_filter, run_call, run_copy},
    {"filter-gradient", prepare_filter, run_filter_gradient, run_copy},
    {"copy", prepare_filter, run_copy, run_call},
    {"gemm", prepare_gemm, run_call, NULL},
    {"mixer", prepare_mixer, run_tape, NULL},
    {"mixer-fresh", prepare_mixer, run_fresh, NULL},
    {"forward", prepare_forward, run_tape, NULL},
    {"step", prepare_step, run_step, NULL},
    {"sample", prepare_sample, run_sample, NULL},
};

static pdessm_status answer(timed *t, const work *w, double seconds) {
    const double begin = pdessm_seconds();
    double passed = 0;
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i == 0 || (passed < seconds && i < MOST_RUNS); i++) {
        if (t->between && w->between)
            PDESSM_TRY(w->between(t));
        const double start = pdessm_seconds();
        PDESSM_TRY(w->once(t));
        PDESSM_TRY(pdessm_device_finish(t->device));
        printf("%s%.9f", i ? ", " : "[", pdessm_seconds() - start);
        passed = pdessm_seconds() - begin;
    }
    printf("]\n");
    fflush(stdout);
out:
    return status;
}

static pdessm_status serve(timed *t, const work *w) {
    pdessm_status status = PDESSM_OK;
    char line[64];
    PDESSM_TRY(w->once(t)); /* what only the first run does */
    if (t->profile)
        PDESSM_TRY(pdessm_device_profile_enable(t->device, 1));
    printf("{}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        PDESSM_TRY(answer(t, w, atof(line)));
out:
    return status;
}

/* Of this program alone: ru_maxrss begins with that of the process that started it. */
static long long peak_bytes(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "VmHWM: %lld kB", &kib);
    if (file)
        fclose(file);
    return 1024 * kib;
}

static pdessm_status print_end(timed *t) {
    pdessm_status status = PDESSM_OK;
    pdessm_profile_row *rows = NULL;
    int count = 0;
    if (t->profile)
        PDESSM_TRY(pdessm_device_profile(t->device, &rows, &count));
    printf("{\"peak_bytes\": %lld, \"operators\": [", peak_bytes());
    for (int i = 0; i < count; i++)
        printf("%s{\"name\": \"%s\", \"pass\": \"%s\", \"calls\": %lld, \"seconds\": %.9g, "
               "\"flops\": %.9g, \"bytes\": %.9g}",
               i ? ", " : "", rows[i].name, rows[i].pass, (long long)rows[i].calls, rows[i].seconds,
               rows[i].flops, rows[i].bytes);
    printf("]}\n");
out:
    free(rows);
    return status;
}

static int parse(timed *t, int argc, char **argv) {
    const struct {
        const char *name;
        int *number;
    } numbers[] = {{"--batch", &t->batch},     {"--depth", &t->depth},
                   {"--steps", &t->steps},     {"--threads", &t->threads},
                   {"--profile", &t->profile}, {"--between", &t->between}};
    int known = argc % 2 == 0;
    for (int i = 2; i + 1 < argc && known; i += 2) {
        const char *value = argv[i + 1];
        known = 0;
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            if (strcmp(argv[i], numbers[k].name) == 0)
                known = sscanf(value, "%d", numbers[k].number) == 1;
        if (strcmp(argv[i], "--size") == 0)
            known = sscanf(value, "%dx%d", &t->height, &t->width) == 2;
        else if (strcmp(argv[i], "--model") == 0)
            known = (t->model_name = value) != NULL;
        else if (strcmp(argv[i], "--save") == 0)
            known = (t->save = value) != NULL;
    }
    return known && t->batch > 0 && t->height > 0 && t->width > 0;
}

static const work *find_work(const char *name) {
    for (size_t i = 0; name && i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, name) == 0)
            return &works[i];
    return NULL;
}

/* The configuration, and labels that take all classes in turn. */
static pdessm_status configure(timed *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_config_preset(t->ctx, t->model_name, &t->config));
    t->config.image_size[0] = t->height;
    t->config.image_size[1] = t->width;
    t->config.depth = t->depth ? t->depth : t->config.depth;
    PDESSM_TRY(pdessm_config_check(t->ctx, &t->config));
    PDESSM_TRY(pdessm_alloc(t->ctx, (size_t)t->batch, sizeof *t->labels, &t->labels));
    for (int i = 0; i < t->batch; i++)
        t->labels[i] = i % t->config.num_classes;
out:
    return status;
}

static void destroy(timed *t) {
    pdessm_trainer_destroy(&t->trainer);
    pdessm_dataset_destroy(&t->data);
    pdessm_tape_destroy(&t->tape);
    pdessm_model_destroy(&t->model);
    for (int i = 0; i < 4; i++) {
        pdessm_tensor_destroy(&t->call.operand[i]);
        pdessm_tensor_destroy(&t->call.gradient[i]);
    }
    pdessm_device_destroy(&t->device);
    free(t->images);
    free(t->labels);
}

int main(int argc, char **argv) {
    timed t = {.model_name = "pde-nano/4",
               .height = 32,
               .width = 32,
               .batch = 1,
               .steps = 4,
               .threads = 0};
    const work *w = find_work(argc > 1 ? argv[1] : NULL);
    pdessm_status status = PDESSM_OK;
    if (!w || !parse(&t, argc, argv)) {
        fprintf(stderr,
                "usage: timed WORK [--model PRESET] [--size HxW] [--batch N] ..; WORK is one of");
        for (size_t i = 0; i < sizeof works / sizeof *works; i++)
            fprintf(stderr, " %s", works[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    const pdessm_context_options options = {.threads = t.threads};
    if (pdessm_context_create(&options, &t.ctx) != PDESSM_OK)
        return 1;
    PDESSM_TRY(pdessm_device_open(t.ctx, "cpu", &t.device));
    PDESSM_TRY(configure(&t));
    PDESSM_TRY(w->prepare(&t));
    PDESSM_TRY(serve(&t, w));
    PDESSM_TRY(print_end(&t));
out:
    if (status != PDESSM_OK)
        fprintf(stderr, "timed: %s\n", pdessm_context_error(t.ctx));
    destroy(&t);
    pdessm_context_destroy(&t.ctx);
    return pdessm_status_exit_code(status);
}
