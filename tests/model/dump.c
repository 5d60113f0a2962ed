/* SPDX-License-Identifier: MIT */
/* dump.c: runs one network forward and backward and writes everything that went in and came out,
 * for test_network.py: parameters as "param.NAME", their gradients as "grad.NAME", x, t, y, target,
 * v, loss, with the configuration as metadata; of a classifier x, y, logits, features, loss.
 *
 * dump --out FILE [--device D] [--height H] [--width W] [--batch B] [--rows R] [--columns C]
 *      [--seed S] [--KEY VALUE ..]
 * Height and width count tokens; rows and columns are the reference grid; the other keys are those
 * of a configuration, such as --mixer conv or --attention-layers 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/pdessm.h>

#include "core/names.h"
#include "core/random.h"
#include "model/config.h"

typedef struct dump {
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_model *model;
    pdessm_tape *tape;
    pdessm_config config;
    const char *out, *device_name;
    int64_t batch, height, width; /* of the image, in pixels */
    uint64_t seed;
    pdessm_tensor *x, *t, *y, *target, *v, *logits, *features, *loss;
} dump;

static void print_log(void *user, pdessm_log_level level, const char *text) {
    (void)user;
    fprintf(stderr, "%s%s\n", level == PDESSM_LOG_WARNING ? "warning: " : "", text);
}

static const pdessm_config start = {.width = 24,
                                    .depth = 2,
                                    .heads = 3,
                                    .patch = 2,
                                    .expand = 1,
                                    .states = 3,
                                    .channels = 2,
                                    .num_classes = 5,
                                    .b_max = 0.25};

/* --KEY VALUE for a field of the configuration; 0 if there is none of that name and value. */
static int set_field(pdessm_config *c, const char *option, const char *value) {
    char key[64];
    snprintf(key, sizeof key, "%s", option + 2);
    for (char *p = key; *p; p++)
        *p = *p == '-' ? '_' : *p;
    for (const pdessm_config_field *f = pdessm_config_fields(); f->key; f++)
        if (strcmp(f->key, key) == 0) {
            int number = f->names ? pdessm_names_place(f->names, value) : atoi(value);
            *pdessm_config_number(c, f->offset) = number;
            return !f->names || number >= 0;
        }
    return 0;
}

/* --NAME VALUE pairs. */
static int parse(dump *d, int argc, char **argv) {
    pdessm_config *c = &d->config;
    int height = 4, width = 4, batch = 3, seed = 1, known = argc % 2;
    const struct {
        const char *name;
        int *number;
    } numbers[] = {{"--height", &height},
                   {"--width", &width},
                   {"--batch", &batch},
                   {"--seed", &seed},
                   {"--rows", &c->reference_grid[0]},
                   {"--columns", &c->reference_grid[1]}};
    *c = start;
    for (int i = 1; i + 1 < argc && known; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        size_t k = 0, count = sizeof numbers / sizeof *numbers;
        while (k < count && strcmp(name, numbers[k].name) != 0)
            k++;
        if (k < count)
            *numbers[k].number = atoi(value);
        else if (strcmp(name, "--out") == 0)
            d->out = value;
        else if (strcmp(name, "--device") == 0)
            d->device_name = value;
        else
            known = set_field(c, name, value);
    }
    d->batch = batch;
    d->seed = (uint64_t)seed;
    d->height = (int64_t)height * c->patch;
    d->width = (int64_t)width * c->patch;
    c->image_size[0] = (int)d->height;
    c->image_size[1] = (int)d->width;
    return known && d->out;
}

/* Numbers that leave nothing at zero and nothing saturated. */
static float number(const dump *d, uint32_t stream, int64_t i) {
    return (float)pdessm_normal(d->seed, PDESSM_RANDOM_CHECK, 0, stream, i);
}

static pdessm_status perturb(dump *d) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; i < d->model->count; i++) {
        pdessm_parameter *p = &d->model->parameter[i];
        int64_t n = pdessm_tensor_count(&p->value);
        int matrix = p->group == PDESSM_GROUP_WEIGHTS;
        double scale = matrix ? 0.7 / sqrt((double)(n / p->dims[0])) : 0.3;
        free(values);
        values = NULL;
        PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)n, sizeof *values, &values));
        pdessm_parameter_start(&d->model->config, p, d->seed, values);
        for (int64_t k = 0; k < n; k++) {
            if (p->start == PDESSM_START_REACTION)
                values[k] = -1; /* far enough from the start to have a gradient of some size */
            values[k] += (float)scale * number(d, (uint32_t)i, k);
        }
        PDESSM_TRY(pdessm_tensor_write(&p->value, values));
    }
out:
    free(values);
    return status;
}

static pdessm_status write_float(dump *d, pdessm_tensor *t, uint32_t stream, int times) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    int64_t n = pdessm_tensor_count(t);
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)n, sizeof *values, &values));
    for (int64_t i = 0; i < n; i++)
        values[i] = times ? (float)(0.05 + 0.9 * (double)i / (double)n) : number(d, stream, i);
    PDESSM_TRY(pdessm_tensor_write(t, values));
out:
    free(values);
    return status;
}

static void record_velocity(dump *d) {
    pdessm_tape *tape = d->tape;
    d->v = pdessm_tape_output(tape, pdessm_model_velocity(d->model, tape, d->x, d->t, d->y));
    d->loss = pdessm_tape_output(tape, pdessm_mse_loss(tape, d->v, d->target));
}

static void record_logits(dump *d) {
    pdessm_tape *tape = d->tape;
    d->logits = pdessm_tape_output(tape, pdessm_model_logits(d->model, tape, d->x, &d->features));
    pdessm_tape_output(tape, d->features);
    d->loss = pdessm_tape_output(tape, pdessm_cross_entropy(tape, d->logits, d->y, 0.125));
}

static pdessm_status run(dump *d) {
    pdessm_status status = PDESSM_OK;
    const int64_t image[] = {d->batch, d->config.channels, d->height, d->width};
    int32_t *labels = NULL;
    PDESSM_TRY(pdessm_tape_create(d->device, &d->tape));
    pdessm_tape *tape = d->tape;
    d->x = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    d->target = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    d->t = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, image);
    d->y = pdessm_tape_input(tape, PDESSM_INT32, 1, image);
    if (d->config.task == PDESSM_TASK_CLASSIFY)
        record_logits(d);
    else
        record_velocity(d);
    PDESSM_TRY(pdessm_tape_plan(tape, d->loss));
    PDESSM_TRY(write_float(d, d->x, 1000, 0));
    PDESSM_TRY(write_float(d, d->target, 1001, 0));
    PDESSM_TRY(write_float(d, d->t, 0, 1));
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)d->batch, sizeof *labels, &labels));
    /* The first is the null class, to a classifier no class; one class comes twice. */
    for (int64_t i = 0; i < d->batch; i++)
        labels[i] = i == 0 ? d->config.num_classes : (int32_t)((i / 2 * 2) % d->config.num_classes);
    PDESSM_TRY(pdessm_tensor_write(d->y, labels));
    PDESSM_TRY(pdessm_model_gradients_zero(d->model));
    PDESSM_TRY(pdessm_tape_forward(tape));
    PDESSM_TRY(pdessm_tape_backward(tape));
out:
    free(labels);
    return status;
}

/* ------------------------------------------------------------------ writing */

typedef struct item {
    char name[80];
    pdessm_tensor *tensor;
} item;

static void add(item *items, int *count, const char *prefix, const char *name, pdessm_tensor *t) {
    snprintf(items[*count].name, sizeof items->name, "%s%s", prefix, name);
    items[(*count)++].tensor = t;
}

static pdessm_status write_items(dump *d, const item *items, int count, const char *json) {
    pdessm_status status = PDESSM_OK;
    const pdessm_safetensors_pair pair = {"pdessm.config", json};
    pdessm_safetensors_tensor *list = NULL;
    pdessm_safetensors_writer *writer = NULL;
    void *bytes = NULL;
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)count, sizeof *list, &list));
    for (int i = 0; i < count; i++) {
        pdessm_tensor *t = items[i].tensor;
        list[i] = (pdessm_safetensors_tensor){.name = items[i].name,
                                              .dtype = t->dtype == PDESSM_INT32 ? PDESSM_FILE_I32
                                                                                : PDESSM_FILE_F32,
                                              .rank = t->rank};
        memcpy(list[i].dims, t->dims, sizeof t->dims);
    }
    PDESSM_TRY(pdessm_safetensors_writer_create(d->ctx, d->out, &pair, 1, list, count, &writer));
    for (int i = 0; i < count; i++) {
        free(bytes);
        bytes = NULL;
        PDESSM_TRY(pdessm_alloc(d->ctx, pdessm_tensor_bytes(items[i].tensor), 1, &bytes));
        PDESSM_TRY(pdessm_tensor_read(items[i].tensor, bytes));
        PDESSM_TRY(
            pdessm_safetensors_writer_write(writer, bytes, pdessm_tensor_bytes(items[i].tensor)));
    }
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(bytes);
    free(list);
    return status;
}

static pdessm_status write_all(dump *d) {
    pdessm_status status = PDESSM_OK;
    item *items = NULL;
    char *json = NULL;
    int count = 0;
    PDESSM_TRY(pdessm_config_to_json(d->ctx, pdessm_model_get_config(d->model), &json));
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)(2 * d->model->count + 6), sizeof *items, &items));
    add(items, &count, "", "x", d->x);
    add(items, &count, "", "y", d->y);
    add(items, &count, "", "loss", d->loss);
    if (d->config.task == PDESSM_TASK_CLASSIFY) {
        add(items, &count, "", "logits", d->logits);
        add(items, &count, "", "features", d->features);
    } else {
        add(items, &count, "", "t", d->t);
        add(items, &count, "", "target", d->target);
        add(items, &count, "", "v", d->v);
    }
    for (int i = 0; i < d->model->count; i++) {
        pdessm_parameter *p = &d->model->parameter[i];
        add(items, &count, "param.", p->name, &p->value);
        add(items, &count, "grad.", p->name, &p->gradient);
    }
    PDESSM_TRY(write_items(d, items, count, json));
out:
    free(items);
    free(json);
    return status;
}

int main(int argc, char **argv) {
    dump d = {0};
    const pdessm_context_options options = {.threads = 2, .log = print_log};
    pdessm_status status;
    if (!parse(&d, argc, argv) || pdessm_context_create(&options, &d.ctx) != PDESSM_OK) {
        fprintf(stderr, "usage: dump --out FILE [OPTIONS]\n");
        return 2;
    }
    PDESSM_TRY(pdessm_device_open(d.ctx, d.device_name ? d.device_name : "cpu", &d.device));
    PDESSM_TRY(pdessm_model_create(d.device, &d.config, 1, &d.model));
    PDESSM_TRY(perturb(&d));
    PDESSM_TRY(run(&d));
    PDESSM_TRY(write_all(&d));
out:
    if (status != PDESSM_OK)
        fprintf(stderr, "dump: %s\n", pdessm_context_error(d.ctx));
    pdessm_tape_destroy(&d.tape);
    pdessm_model_destroy(&d.model);
    pdessm_device_destroy(&d.device);
    pdessm_context_destroy(&d.ctx);
    return pdessm_status_exit_code(status);
}
