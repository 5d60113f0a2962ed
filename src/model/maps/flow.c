/* SPDX-License-Identifier: MIT */
/* flow.c: y = phi_(1 -> 0)(x): dx/dt = v(x, t, label) of a small network, integrated
 * by the classical Runge-Kutta method from data at t = 1 to noise at t = 0, and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/maps/map.h"
#include "model/runner.h"

enum { BATCH = 64 };

static int list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]) {
    ret[0] = (pdessm_map_array){.name = "network", .rank = 1, .dims = {info->numbers}};
    return 1;
}

typedef struct flow {
    pdessm_model *model;
    pdessm_runner runner;
    float *image, *stage, *k, *sum; /* [BATCH, pixels] */
    float time[BATCH];
    int32_t label[BATCH];
} flow;

static void empty(flow *f) {
    pdessm_runner_release(&f->runner);
    pdessm_model_destroy(&f->model);
    free(f->image);
    free(f->stage);
    free(f->k);
    free(f->sum);
    free(f);
}

static void release(pdessm_precondition *map) {
    empty(map->work);
}

/* The network that the description and the flat array stand for. */
static pdessm_status load(const pdessm_precondition *map, pdessm_model **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_precondition_info *i = &map->info;
    const float *values = map->array[0].value;
    pdessm_model *m = NULL;
    pdessm_config c;
    PDESSM_TRY(pdessm_config_from_json(map->ctx, map->network, &c));
    PDESSM_REQUIRE(map->ctx,
                   c.task == PDESSM_TASK_VELOCITY && c.channels == i->channels &&
                       c.image_size[0] == i->height && c.image_size[1] == i->width &&
                       c.num_classes == i->classes,
                   PDESSM_ERROR_FILE,
                   "metadata %s: the flow's network is not one for %lld classes of %lld x %lld x "
                   "%lld images",
                   PDESSM_MAP_KEY, (long long)i->classes, (long long)i->height, (long long)i->width,
                   (long long)i->channels);
    PDESSM_TRY(pdessm_model_create(map->device, &c, 0, &m));
    PDESSM_REQUIRE(map->ctx, pdessm_model_parameter_count(m) == i->numbers, PDESSM_ERROR_FILE,
                   "tensor %snetwork has %lld numbers, its configuration means %lld",
                   PDESSM_MAP_PREFIX, (long long)i->numbers,
                   (long long)pdessm_model_parameter_count(m));
    for (int k = 0; k < m->count; k++) {
        PDESSM_TRY(pdessm_tensor_write(&m->parameter[k].value, values));
        values += pdessm_tensor_count(&m->parameter[k].value);
    }
    *ret = m;
    m = NULL;
out:
    pdessm_model_destroy(&m);
    return status;
}

static pdessm_status open(const pdessm_precondition *map, flow **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_precondition_info *i = &map->info;
    const size_t numbers = BATCH * (size_t)(i->channels * i->height * i->width);
    flow *f = NULL;
    PDESSM_TRY(pdessm_alloc(map->ctx, 1, sizeof *f, &f));
    PDESSM_TRY(load(map, &f->model));
    PDESSM_TRY(pdessm_runner_velocity(f->model, BATCH, i->height, i->width, 1, &f->runner));
    PDESSM_TRY(pdessm_alloc(map->ctx, numbers, sizeof *f->image, &f->image));
    PDESSM_TRY(pdessm_alloc(map->ctx, numbers, sizeof *f->stage, &f->stage));
    PDESSM_TRY(pdessm_alloc(map->ctx, numbers, sizeof *f->k, &f->k));
    PDESSM_TRY(pdessm_alloc(map->ctx, numbers, sizeof *f->sum, &f->sum));
    *ret = f;
    f = NULL;
out:
    if (f)
        empty(f);
    return status;
}

/* A damaged description is found out when the map is read, not when it is used. */
static pdessm_status check(pdessm_precondition *map) {
    pdessm_model *model = NULL;
    pdessm_status status = load(map, &model);
    pdessm_model_destroy(&model);
    return status;
}

/* k = v(stage, t) */
static pdessm_status evaluate(flow *f, double t) {
    for (int i = 0; i < BATCH; i++)
        f->time[i] = (float)t;
    return pdessm_runner_run(&f->runner, f->stage, f->time, f->label, f->k, NULL);
}

/* One step of length h from time t. */
static pdessm_status step(flow *f, int64_t numbers, double t, double h) {
    static const double place[] = {0, 0.5, 0.5, 1}, weight[] = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0};
    pdessm_status status = PDESSM_OK;
    memcpy(f->sum, f->image, (size_t)numbers * sizeof *f->sum);
    for (int s = 0; s < 4; s++) {
        const float ahead = (float)(h * place[s]), share = (float)(h * weight[s]);
        for (int64_t i = 0; i < numbers; i++)
            f->stage[i] = f->image[i] + (s ? ahead * f->k[i] : 0);
        PDESSM_TRY(evaluate(f, t + h * place[s]));
        for (int64_t i = 0; i < numbers; i++)
            f->sum[i] += share * f->k[i];
    }
    memcpy(f->image, f->sum, (size_t)numbers * sizeof *f->sum);
out:
    return status;
}

static pdessm_status run(pdessm_precondition *map, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t pixels = map->info.channels * r->height * r->width;
    const int64_t steps = map->info.solver_steps;
    const int back = r->direction == PDESSM_MAP_INVERT;
    flow *f = map->work;
    if (!f)
        PDESSM_TRY(open(map, &f));
    map->work = f;
    for (int64_t at = 0; at < r->n; at += BATCH) {
        const int64_t n = r->n - at < BATCH ? r->n - at : BATCH;
        /* Behind the last image: zeros of class 0, so that every run of the tape is the same. */
        memset(f->label, 0, sizeof f->label);
        memcpy(f->label, r->labels + at, (size_t)n * sizeof *f->label);
        memset(f->image, 0, (size_t)(BATCH * pixels) * sizeof *f->image);
        memcpy(f->image, r->x + at * pixels, (size_t)(n * pixels) * sizeof *f->image);
        for (int64_t s = 0; s < steps; s++) {
            const double share = (double)s / (double)steps, h = 1.0 / (double)steps;
            PDESSM_TRY(step(f, BATCH * pixels, back ? share : 1 - share, back ? h : -h));
        }
        memcpy(r->y + at * pixels, f->image, (size_t)(n * pixels) * sizeof *f->image);
    }
out:
    return status;
}

const pdessm_map_kind pdessm_map_flow = {
    .has_null = 1, .mixed = BATCH, .list = list, .check = check, .run = run, .release = release};
