/* SPDX-License-Identifier: MIT */
/* realnvp.c: fits the whitening map, then trains the coupling layers behind it by
 * maximum likelihood. Batches and noise are drawn by counter from (seed, step, place), so that
 * resuming needs nothing but weights and moments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pdessm/ops.h>

#include "dataset/dataset.h"
#include "fit/fit.h"
#include "model/maps/couplings.h"
#include "train/trainer.h"

#define LEARNING_RATE 1e-3
#define CLIP 1.0

typedef struct fit {
    const pdessm_fit_job *job;
    pdessm_precondition *base; /* the whitening map */
    pdessm_realnvp *network;
    pdessm_arena first_moment, second_moment;
    pdessm_tape *tape;
    pdessm_tensor *x[2], *label, *loss;
    pdessm_tensor *zero[2], *energy[2], *volume[2]; /* constants of the loss */
    pdessm_tensor *noise, *state;
    float *images, *normal, *half[2]; /* [batch, D] twice, [batch, E] and [batch, O] */
    int32_t *labels;
    double *deviation; /* [classes] of the normal noise */
} fit;

static void release(fit *f) {
    pdessm_tape_destroy(&f->tape);
    pdessm_realnvp_destroy(&f->network);
    pdessm_arena_destroy(&f->first_moment);
    pdessm_arena_destroy(&f->second_moment);
    for (int i = 0; i < 2; i++) {
        pdessm_tensor_destroy(&f->zero[i]);
        pdessm_tensor_destroy(&f->energy[i]);
        pdessm_tensor_destroy(&f->volume[i]);
        free(f->half[i]);
    }
    pdessm_tensor_destroy(&f->noise);
    pdessm_tensor_destroy(&f->state);
    pdessm_precondition_destroy(&f->base);
    free(f->images);
    free(f->normal);
    free(f->labels);
    free(f->deviation);
}

/* ------------------------------------------------------------------ the loss */

static pdessm_status make_constant(const fit *f, int64_t rows, int64_t columns, float number,
                                   pdessm_tensor **ret) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(f->job->device, PDESSM_FLOAT32, 2,
                                    (const int64_t[]){rows, columns}, ret));
    PDESSM_TRY(rows * columns == 1 ? pdessm_tensor_write(*ret, &number) : pdessm_tensor_zero(*ret));
out:
    return status;
}

/* What one half adds to the loss, [1]: the means of y^2 and of s, times their weights. */
static pdessm_tensor *half_loss(fit *f, int i, pdessm_tensor *y, pdessm_tensor *s) {
    pdessm_tape *tape = f->tape;
    const int64_t one[] = {1, 1};
    const int64_t all[] = {1, f->job->options->batch * f->network->half[i], 1};
    pdessm_tensor *square = pdessm_mse_loss(tape, y, pdessm_tape_parameter(tape, f->zero[i], NULL));
    pdessm_tensor *mean = pdessm_mean_tokens(tape, pdessm_reshape(tape, s, 3, all));
    square = pdessm_linear(tape, pdessm_reshape(tape, square, 2, one),
                           pdessm_tape_parameter(tape, f->energy[i], NULL), NULL, 1);
    mean = pdessm_linear(tape, mean, pdessm_tape_parameter(tape, f->volume[i], NULL), NULL, 1);
    return pdessm_add(tape, pdessm_reshape(tape, square, 1, one),
                      pdessm_reshape(tape, mean, 1, one));
}

/* loss = mean over images of (|y|^2 / 2 - sum s) / D: the halves have shares E / D and O / D. */
static pdessm_status record(fit *f) {
    pdessm_status status = PDESSM_OK;
    const int64_t batch = f->job->options->batch, *half = f->network->half;
    pdessm_tensor *y[2], *s[2];
    PDESSM_TRY(pdessm_tape_create(f->job->device, &f->tape));
    for (int i = 0; i < 2; i++) {
        const float share = (float)half[i] / (float)(half[0] + half[1]);
        PDESSM_TRY(make_constant(f, batch, half[i], 0, &f->zero[i]));
        PDESSM_TRY(make_constant(f, 1, 1, share / 2, &f->energy[i]));
        PDESSM_TRY(make_constant(f, 1, 1, -share, &f->volume[i]));
        f->x[i] = pdessm_tape_input(f->tape, PDESSM_FLOAT32, 2, (const int64_t[]){batch, half[i]});
    }
    f->label = pdessm_tape_input(f->tape, PDESSM_INT32, 1, &batch);
    pdessm_realnvp_record(f->network, f->tape, PDESSM_MAP_APPLY, f->x, f->label, y, s);
    pdessm_tensor *even = half_loss(f, 0, y[0], s[0]), *odd = half_loss(f, 1, y[1], s[1]);
    f->loss = pdessm_add(f->tape, even, odd);
    PDESSM_TRY(pdessm_tape_plan(f->tape, f->loss));
out:
    return status;
}

/* ------------------------------------------------------------------ batches */

/* The variance e that whitening adds to each direction of a class: e = epsilon mean(l), and
 * 1 / gain^2 = l + e, so mean(1 / gain^2) = (1 + epsilon) e / epsilon. */
static void find_deviations(fit *f) {
    const int64_t d = f->job->pixels;
    const double epsilon = f->base->info.epsilon;
    const float *gain = pdessm_map_values(f->base, "gain");
    for (int64_t k = 0; k < f->job->classes; k++) {
        double sum = 0;
        for (int64_t i = k * d; i < (k + 1) * d; i++)
            sum += 1 / ((double)gain[i] * (double)gain[i]);
        f->deviation[k] = sqrt(sum / (double)d * epsilon / (1 + epsilon));
    }
}

static pdessm_status make_buffers(fit *f) {
    pdessm_status status = PDESSM_OK;
    pdessm_context *ctx = f->job->ctx;
    const int64_t batch = f->job->options->batch, pixels = f->job->pixels;
    const size_t numbers = (size_t)(batch * pixels);
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *f->images, &f->images));
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *f->normal, &f->normal));
    for (int i = 0; i < 2; i++)
        PDESSM_TRY(pdessm_alloc(ctx, (size_t)(batch * f->network->half[i]), sizeof *f->half[i],
                                &f->half[i]));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)batch, sizeof *f->labels, &f->labels));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)f->job->classes, sizeof *f->deviation, &f->deviation));
    find_deviations(f);
    PDESSM_TRY(pdessm_tensor_create(f->job->device, PDESSM_FLOAT32, 2,
                                    (const int64_t[]){batch, pixels}, &f->noise));
    PDESSM_TRY(pdessm_tensor_create(f->job->device, PDESSM_FLOAT32, 1,
                                    (const int64_t[]){STATE_SIZE}, &f->state));
    PDESSM_TRY(pdessm_tensor_zero(f->state));
out:
    return status;
}

/* Streams of a step: sample i has the normal noise of image i, sample batch + i the rest. */
static void draw_image(fit *f, int64_t step, int64_t i) {
    const pdessm_fit_job *job = f->job;
    const uint64_t seed = job->options->seed;
    const uint32_t at = (uint32_t)step, place = (uint32_t)(job->options->batch + i);
    const double width = job->images->is_float ? 0 : 2.0 / 255;
    const int64_t index =
        pdessm_below(seed, PDESSM_RANDOM_FIT, at, place, 0, (uint64_t)job->images->count);
    float *image = f->images + i * job->pixels;
    const float *normal = f->normal + i * job->pixels;
    f->labels[i] = job->classes > 1 ? pdessm_dataset_label(job->data, index) : 0;
    pdessm_dataset_image(job->data, index, image);
    for (int64_t k = 0; k < job->pixels; k++) {
        double noise = f->deviation[f->labels[i]] * (double)normal[k];
        if (width > 0) /* numbers 0 to 3 of the stream chose the image */
            noise += width * (pdessm_uniform(seed, PDESSM_RANDOM_FIT, at, place, 4 + k) - 0.5);
        image[k] += (float)noise;
    }
}

static pdessm_status draw_batch(fit *f, int64_t step) {
    pdessm_status status = PDESSM_OK;
    const pdessm_fit_job *job = f->job;
    const int64_t batch = job->options->batch;
    PDESSM_TRY(
        pdessm_call_normal(job->device, job->options->seed, PDESSM_RANDOM_FIT, step, 0, f->noise));
    PDESSM_TRY(pdessm_tensor_read(f->noise, f->normal));
    for (int64_t i = 0; i < batch; i++)
        draw_image(f, step, i);
    PDESSM_TRY(pdessm_precondition_apply(f->base, batch, job->images->height, job->images->width,
                                         f->labels, f->images, f->images));
    pdessm_realnvp_split(f->network, batch, f->images, f->half);
    for (int i = 0; i < 2; i++)
        PDESSM_TRY(pdessm_tensor_write(f->x[i], f->half[i]));
    PDESSM_TRY(pdessm_tensor_write(f->label, f->labels));
out:
    return status;
}

/* ------------------------------------------------------------------ what is kept on the way */

/* The whitening map, from the folder of the fit if it is there. */
static pdessm_status fit_base(fit *f, const pdessm_watch *watch) {
    pdessm_status status = PDESSM_OK;
    const char *folder = f->job->options->folder;
    pdessm_precondition *kept = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/whiten.safetensors", folder ? folder : "");
    if (!folder || access(path, F_OK) != 0) {
        PDESSM_TRY(pdessm_fit_whiten(f->job, watch, f->base));
        if (folder)
            PDESSM_TRY(pdessm_precondition_save(f->base, path));
        goto out;
    }
    PDESSM_TRY(pdessm_precondition_load(f->job->device, path, &kept));
    PDESSM_REQUIRE(f->job->ctx,
                   kept->info.kind == PDESSM_PRECONDITION_WHITEN &&
                       kept->info.numbers == f->base->info.numbers,
                   PDESSM_ERROR_FILE, "%s: is not the whitening map of this fit; remove %s", path,
                   folder);
    for (int i = 0; i < kept->count; i++)
        memcpy(f->base->array[i].value, kept->array[i].value,
               (size_t)kept->array[i].count * sizeof *kept->array[i].value);
out:
    pdessm_precondition_destroy(&kept);
    return status;
}

enum { KEPT = 4 };
static const char *const kept_names[KEPT] = {"values", "exp_avg", "exp_avg_sq", "state"};

static void list_kept(fit *f, pdessm_tensor *ret[KEPT]) {
    ret[0] = &f->network->values.all;
    ret[1] = &f->first_moment.all;
    ret[2] = &f->second_moment.all;
    ret[3] = f->state;
}

/* Numbers of the largest of them. */
static size_t largest(pdessm_tensor *const tensor[KEPT]) {
    int64_t most = 0;
    for (int i = 0; i < KEPT; i++)
        most = pdessm_tensor_count(tensor[i]) > most ? pdessm_tensor_count(tensor[i]) : most;
    return (size_t)most;
}

static void kept_path(const fit *f, char ret[4096]) {
    snprintf(ret, 4096, "%s/couplings.safetensors", f->job->options->folder);
}

/* After `steps` steps. */
static pdessm_status write_state(fit *f, int64_t steps) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *tensor[KEPT];
    pdessm_safetensors_tensor head[KEPT];
    pdessm_safetensors_writer *writer = NULL;
    char path[4096], number[32];
    float *values = NULL;
    if (!f->job->options->folder)
        return status;
    list_kept(f, tensor);
    kept_path(f, path);
    snprintf(number, sizeof number, "%lld", (long long)steps);
    const pdessm_safetensors_pair pair = {"pdessm.step", number};
    for (int i = 0; i < KEPT; i++)
        head[i] = (pdessm_safetensors_tensor){
            kept_names[i], PDESSM_FILE_F32, 1, {pdessm_tensor_count(tensor[i])}};
    PDESSM_TRY(pdessm_alloc(f->job->ctx, largest(tensor), sizeof *values, &values));
    PDESSM_TRY(pdessm_safetensors_writer_create(f->job->ctx, path, &pair, 1, head, KEPT, &writer));
    for (int i = 0; i < KEPT; i++) {
        PDESSM_TRY(pdessm_tensor_read(tensor[i], values));
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, values, pdessm_tensor_bytes(tensor[i])));
    }
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(values);
    return status;
}

/* *ret: the steps done, 0 when nothing was kept. */
static pdessm_status read_state(fit *f, int64_t *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *tensor[KEPT];
    pdessm_safetensors *file = NULL;
    char path[4096];
    float *values = NULL;
    long long steps = -1;
    kept_path(f, path);
    if (!f->job->options->folder || access(path, F_OK) != 0)
        return status;
    list_kept(f, tensor);
    PDESSM_TRY(pdessm_safetensors_open(f->job->ctx, path, &file));
    const char *text = pdessm_safetensors_metadata(file, "pdessm.step");
    PDESSM_REQUIRE(
        f->job->ctx,
        text && sscanf(text, "%lld", &steps) == 1 && steps >= 0 && steps <= f->job->options->steps,
        PDESSM_ERROR_FILE,
        "%s: metadata pdessm.step is %s, expected 0 to %lld; remove the folder to start again",
        path, text ? text : "missing", (long long)f->job->options->steps);
    PDESSM_TRY(pdessm_alloc(f->job->ctx, largest(tensor), sizeof *values, &values));
    for (int i = 0; i < KEPT; i++) {
        const int64_t count = pdessm_tensor_count(tensor[i]);
        const pdessm_safetensors_entry *entry = NULL;
        PDESSM_TRY(pdessm_safetensors_expect(file, kept_names[i], 1, &count, &entry));
        PDESSM_TRY(pdessm_safetensors_read_float(file, entry, values));
        PDESSM_TRY(pdessm_tensor_write(tensor[i], values));
    }
    *ret = steps;
out:
    pdessm_safetensors_destroy(&file);
    free(values);
    return status;
}

/* ------------------------------------------------------------------ training */

/* Linear warm-up over a twentieth of the steps, then half a cosine to zero. */
static double rate_at(int64_t step, int64_t steps) {
    const double warm = fmin(1, 20 * ((double)step + 1) / (double)steps);
    return LEARNING_RATE * warm * 0.5 * (1 + cos(M_PI * (double)step / (double)steps));
}

static pdessm_status take_step(fit *f, int64_t step) {
    pdessm_status status = PDESSM_OK;
    pdessm_device *device = f->job->device;
    pdessm_realnvp *n = f->network;
    const pdessm_adamw settings = {.rate = rate_at(step, f->job->options->steps),
                                   .beta1 = 0.9,
                                   .beta2 = 0.999,
                                   .epsilon = 1e-8,
                                   .step = step + 1};
    PDESSM_TRY(draw_batch(f, step));
    PDESSM_TRY(pdessm_tensor_zero(&n->gradients.all));
    PDESSM_TRY(pdessm_tape_forward(f->tape));
    PDESSM_TRY(pdessm_tape_backward(f->tape));
    PDESSM_TRY(pdessm_call_grad_norm(device, &n->gradients.all, f->loss, CLIP, f->state));
    PDESSM_TRY(pdessm_call_adamw(device, &n->values.all, &n->gradients.all, &f->first_moment.all,
                                 &f->second_moment.all, f->state, &settings));
out:
    return status;
}

static pdessm_status train(fit *f, const pdessm_watch *watch) {
    enum { OFTEN = 10 };
    pdessm_status status = PDESSM_OK;
    const int64_t steps = f->job->options->steps;
    int64_t first = 0;
    PDESSM_TRY(read_state(f, &first));
    for (int64_t i = first; i < steps; i++) {
        float state[STATE_SIZE];
        PDESSM_TRY(take_step(f, i));
        if (i % OFTEN < OFTEN - 1 && i < steps - 1)
            continue;
        PDESSM_TRY(pdessm_tensor_read(f->state, state));
        PDESSM_REQUIRE(f->job->ctx, state[STATE_BAD_IN_A_ROW] < OFTEN, PDESSM_ERROR_NUMERIC,
                       "the coupling layers did not learn: their likelihood is not finite at step "
                       "%lld; scale the data, or use whiten",
                       (long long)i);
        const pdessm_status seen =
            pdessm_watch_tell(f->job->ctx, watch, (double)(i + 1) / (double)steps);
        if (seen != PDESSM_OK || i == steps - 1 || (i + 1) % PDESSM_FIT_SAVE_EVERY == 0)
            PDESSM_TRY(write_state(f, i + 1));
        PDESSM_TRY(seen);
    }
out:
    return status;
}

pdessm_status pdessm_fit_realnvp(const pdessm_fit_job *job, const pdessm_watch *watch,
                                 pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    const pdessm_watch first = pdessm_watch_part(watch, 0, 0.2);
    const pdessm_watch second = pdessm_watch_part(watch, 0.2, 1);
    fit f = {.job = job};
    PDESSM_TRY(pdessm_map_part(map, PDESSM_PRECONDITION_WHITEN, &f.base));
    PDESSM_TRY(fit_base(&f, &first));
    PDESSM_TRY(pdessm_realnvp_create(job->device, &map->info, 1, &f.network));
    PDESSM_TRY(pdessm_realnvp_init(f.network, job->options->seed));
    PDESSM_TRY(pdessm_arena_create_for(job->device, f.network->parameter, f.network->count,
                                       &f.first_moment));
    PDESSM_TRY(pdessm_arena_create_for(job->device, f.network->parameter, f.network->count,
                                       &f.second_moment));
    PDESSM_TRY(record(&f));
    PDESSM_TRY(make_buffers(&f));
    PDESSM_TRY(train(&f, &second));
    PDESSM_TRY(pdessm_realnvp_read(f.network, pdessm_map_values(map, "couplings")));
out:
    release(&f);
    return status;
}
