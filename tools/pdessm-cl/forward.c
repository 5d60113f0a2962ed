/* SPDX-License-Identifier: MIT */
/* forward.c: `forward`: the velocity of a network at given inputs, for comparing programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/pdessm.h>

#include "shared/options.h"
#include "shared/paths.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_forward = {
    .name = "forward",
    .meaning = "computes the velocity of a network at given inputs",
    .arguments = "--model F --in F --out F",
    .example = PDESSM_CLI_PROGRAM " forward --model ema.safetensors --in xty.safetensors "
                                  "--out v.safetensors",
    .run = run,
};

typedef struct job {
    cli *c;
    const char *model_path, *in, *out;
    pdessm_safetensors *file;
    pdessm_model *model;
    pdessm_tape *tape;
    int64_t dims[4]; /* of x and v */
    float *x, *t, *v;
    int32_t *y;
} job;

static pdessm_status read_float(job *j, const char *name, int rank, const int64_t *dims,
                                float **ret) {
    const pdessm_safetensors_entry *e = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_safetensors_expect(j->file, name, rank, dims, &e));
    PDESSM_REQUIRE(j->c->ctx, e->count > 0, PDESSM_ERROR_FILE, "%s: tensor %s is empty", j->in,
                   name);
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)e->count, sizeof **ret, ret));
    PDESSM_TRY(pdessm_safetensors_read_float(j->file, e, *ret));
    if (rank == 4)
        memcpy(j->dims, e->dims, sizeof j->dims);
out:
    return status;
}

/* Labels; without them every image is of the null class. */
static pdessm_status read_labels(job *j) {
    const int64_t classes = pdessm_model_get_config(j->model)->num_classes, batch = j->dims[0];
    const pdessm_safetensors_entry *e = NULL;
    pdessm_status status = PDESSM_OK;
    int64_t *wide = NULL;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)batch, sizeof *wide, &wide));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)batch, sizeof *j->y, &j->y));
    for (int64_t i = 0; i < batch; i++)
        wide[i] = classes;
    if (pdessm_safetensors_find(j->file, "y")) {
        PDESSM_TRY(pdessm_safetensors_expect(j->file, "y", 1, &batch, &e));
        PDESSM_TRY(pdessm_safetensors_read_int(j->file, e, wide));
    }
    for (int64_t i = 0; i < batch; i++) {
        PDESSM_REQUIRE(j->c->ctx, wide[i] >= 0 && wide[i] <= classes, PDESSM_ERROR_FILE,
                       "%s: tensor y holds class %lld, expected 0 to %lld (%lld: null class)",
                       j->in, (long long)wide[i], (long long)classes, (long long)classes);
        j->y[i] = (int32_t)wide[i];
    }
out:
    free(wide);
    return status;
}

static pdessm_status read_inputs(job *j) {
    const pdessm_config *config = pdessm_model_get_config(j->model);
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_safetensors_open(j->c->ctx, j->in, &j->file));
    PDESSM_TRY(read_float(j, "x", 4, (const int64_t[]){-1, config->channels, -1, -1}, &j->x));
    PDESSM_REQUIRE(j->c->ctx, j->dims[2] % config->patch == 0 && j->dims[3] % config->patch == 0,
                   PDESSM_ERROR_FILE,
                   "%s: tensor x holds images of %lld x %lld, expected multiples of the model's "
                   "patch, %d",
                   j->in, (long long)j->dims[2], (long long)j->dims[3], config->patch);
    PDESSM_TRY(read_float(j, "t", 1, j->dims, &j->t));
    PDESSM_TRY(read_labels(j));
out:
    return status;
}

static pdessm_status compute(job *j) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tape_create(j->c->device, &j->tape));
    pdessm_tensor *x = pdessm_tape_input(j->tape, PDESSM_FLOAT32, 4, j->dims);
    pdessm_tensor *t = pdessm_tape_input(j->tape, PDESSM_FLOAT32, 1, j->dims);
    pdessm_tensor *y = pdessm_tape_input(j->tape, PDESSM_INT32, 1, j->dims);
    pdessm_tensor *v =
        pdessm_tape_output(j->tape, pdessm_model_velocity(j->model, j->tape, x, t, y));
    PDESSM_TRY(pdessm_tape_plan(j->tape, NULL));
    PDESSM_TRY(pdessm_tensor_write(x, j->x));
    PDESSM_TRY(pdessm_tensor_write(t, j->t));
    PDESSM_TRY(pdessm_tensor_write(y, j->y));
    PDESSM_TRY(pdessm_tape_forward(j->tape));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)pdessm_tensor_count(v), sizeof *j->v, &j->v));
    PDESSM_TRY(pdessm_tensor_read(v, j->v));
out:
    return status;
}

static pdessm_status write_output(job *j) {
    pdessm_safetensors_writer *writer = NULL;
    pdessm_safetensors_tensor v = {.name = "v", .dtype = PDESSM_FILE_F32, .rank = 4};
    size_t bytes = sizeof *j->v;
    pdessm_status status = PDESSM_OK;
    memcpy(v.dims, j->dims, sizeof j->dims);
    for (int i = 0; i < 4; i++)
        bytes *= (size_t)j->dims[i];
    PDESSM_TRY(pdessm_safetensors_writer_create(j->c->ctx, j->out, NULL, 0, &v, 1, &writer));
    PDESSM_TRY(pdessm_safetensors_writer_write(writer, j->v, bytes));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    return status;
}

static pdessm_status run(cli *c) {
    job j = {.c = c};
    const char *file = NULL;
    cli_option options[] = {
        {"model", 'm', CLI_TEXT, &j.model_path, "PATH",
         "safetensors file, checkpoint or run folder"},
        {"in", 0, CLI_TEXT, &j.in, "FILE",
         "inputs x [B,C,H,W], t [B], y [B]; without y: the null class"},
        {"out", 'o', CLI_TEXT, &j.out, "FILE", "where to write v [B,C,H,W]"},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_REQUIRE(c->ctx, j.model_path && j.in && j.out, PDESSM_ERROR_ARGUMENT,
                   "%s is missing; expected --model F --in F --out F",
                   !j.model_path ? "--model"
                   : !j.in       ? "--in"
                                 : "--out");
    PDESSM_TRY(pdessm_output_check(c->ctx, j.out));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(pdessm_cli_load_model(c, j.model_path, PDESSM_TASK_VELOCITY, &file, &j.model));
    PDESSM_TRY(read_inputs(&j));
    PDESSM_TRY(compute(&j));
    PDESSM_TRY(write_output(&j));
out:
    free(j.x);
    free(j.t);
    free(j.y);
    free(j.v);
    pdessm_safetensors_destroy(&j.file);
    pdessm_tape_destroy(&j.tape);
    pdessm_model_destroy(&j.model);
    return status;
}
