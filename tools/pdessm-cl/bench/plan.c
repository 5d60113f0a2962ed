/* SPDX-License-Identifier: MIT */
/* plan.c: the rows that the options ask for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/model.h>

#include "bench.h"
#include "shared/print.h"
#include "verify/verify.h"

/* Tensors of suite `ops` have this size unless --batch says otherwise. */
static const double tensor_bytes = 25e6;
enum { LARGEST_GRID = 4096, LARGEST_BATCH = 1 << 30, LARGEST_IMAGE = 1 << 14 };

static const char *const default_models =
    "pde-nano/4,attn-nano/4,pde-tiny/2,attn-tiny/2,pde-s/2,attn-s/2";
static const char *const default_grids = "16-64*2";
static const int64_t default_grid = 16; /* of the other operators: tokens of the -s/2 presets */
static const char *const default_step_batch = "8", *const default_sample_batch = "4";

typedef struct plan {
    bench_job *j;
    cli_words ops, models;
    cli_sizes grids, batches, images;
} plan;

/* ------------------------------------------------------------------ rows */

static void add_row(bench_job *j, const bench_point *p, const char *name, int device) {
    size_t bytes = ((size_t)j->rows + 1) * sizeof *j->row;
    j->row = pdessm_cli_need(realloc(j->row, bytes));
    bench_spread none = {NAN, NAN, NAN, NAN, NAN};
    j->row[j->rows++] = (bench_row){.point = *p,
                                    .name = name,
                                    .device = device,
                                    .status = BENCH_SKIPPED,
                                    .reason = "not reached",
                                    .first = NAN,
                                    .seconds = none,
                                    .ratio = none,
                                    .copied_bytes = NAN,
                                    .flops = NAN,
                                    .bytes = NAN,
                                    .peak_bytes = NAN,
                                    .process_peak = NAN,
                                    .error = NAN,
                                    .tolerance = NAN,
                                    .images = NAN,
                                    .parameters = NAN,
                                    .profiled_seconds = NAN,
                                    .old_median = NAN,
                                    .old_low = NAN,
                                    .old_high = NAN};
}

/* The devices of one case follow each other, so that they see the machine in the same state. */
static void add_point(plan *p, bench_point *point, const char *name) {
    int both = point->suite == BENCH_OPS && pdessm_op_differentiable(point->op);
    for (int d = 0; d < p->j->devices; d++)
        for (int pass = 0; pass <= both; pass++) {
            point->pass = (pdessm_pass)pass;
            add_row(p->j, point, name, d);
        }
}

int pdessm_cli_bench_group(const bench_job *j, int row) {
    const bench_row *r = &j->row[row];
    return r->point.suite == BENCH_OPS && row + 1 < j->rows && r->point.pass == PDESSM_FORWARD &&
                   r[1].point.pass == PDESSM_BACKWARD
               ? 2
               : 1;
}

void pdessm_cli_bench_release_rows(bench_job *j) {
    for (int i = 0; i < j->rows; i++) {
        free(j->row[i].all);
        free(j->row[i].operator_row);
    }
    free(j->row);
    j->row = NULL;
    j->rows = 0;
}

/* ------------------------------------------------------------------ suites */

static void add_batches(plan *p, bench_point *point) {
    const char *name = pdessm_op_get(point->op)->name;
    double image = 4.0 * (double)(point->height * point->width * point->channels);
    if (p->batches.count == 0) {
        point->batch = (int64_t)fmax(1, floor(tensor_bytes / image + 0.5));
        add_point(p, point, name);
    }
    for (int b = 0; b < p->batches.count; b++) {
        point->batch = p->batches.size[b][0];
        add_point(p, point, name);
    }
}

static void add_operator(plan *p, pdessm_op op) {
    bench_point point = {.suite = BENCH_OPS, .op = op, .channels = p->j->o.channels};
    int all_grids = p->j->o.grids || op == PDESSM_OP_spectral_filter;
    for (int g = 0; g < (all_grids ? p->grids.count : 1); g++) {
        point.height = all_grids ? p->grids.size[g][0] : default_grid;
        point.width = all_grids ? p->grids.size[g][1] : default_grid;
        /* The network's products: mixer and attention C -> C, the MLP C -> 4C. */
        for (int wide = 0; wide <= (op == PDESSM_OP_linear); wide++) {
            point.outputs = op == PDESSM_OP_linear ? (wide ? 4 : 1) * point.channels : 0;
            add_batches(p, &point);
        }
    }
}

static void add_operators(plan *p) {
    for (int i = 0; i < p->ops.count; i++)
        add_operator(p, pdessm_op_find(p->ops.word[i]));
    for (int op = 0; p->ops.count == 0 && op < PDESSM_OP_COUNT; op++)
        add_operator(p, (pdessm_op)op);
}

static void add_networks(plan *p, bench_suite suite, const cli_sizes *batches) {
    bench_point point = {.suite = suite};
    for (int m = 0; m < p->models.count; m++)
        for (int i = 0; i < p->images.count; i++)
            for (int b = 0; b < batches->count; b++) {
                pdessm_config config;
                point.model = p->models.word[m];
                pdessm_config_preset(p->j->c->ctx, point.model, &config);
                point.channels = config.channels;
                point.height = p->images.size[i][0];
                point.width = p->images.size[i][1];
                point.batch = batches->size[b][0];
                if (suite == BENCH_SAMPLE && point.batch > p->j->o.images)
                    point.batch = p->j->o.images;
                add_point(p, &point,
                          pdessm_cli_text(p->j->c, "%s %s", suite == BENCH_STEP ? "step" : "sample",
                                          point.model));
            }
}

/* ------------------------------------------------------------------ options */

static pdessm_status check_names(plan *p) {
    pdessm_context *ctx = p->j->c->ctx;
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    for (int i = 0; i < p->ops.count; i++)
        PDESSM_REQUIRE(ctx, pdessm_op_find(p->ops.word[i]) != PDESSM_OP_COUNT,
                       PDESSM_ERROR_ARGUMENT,
                       "--op: no operator '%s'; `pdessm-cl op --list` shows them", p->ops.word[i]);
    for (int i = 0; i < p->models.count; i++)
        PDESSM_TRY(pdessm_config_preset(ctx, p->models.word[i], &config));
out:
    return status;
}

static pdessm_status read_options(plan *p) {
    cli *c = p->j->c;
    const bench_options *o = &p->j->o;
    pdessm_status status = PDESSM_OK;
    if (o->ops)
        PDESSM_TRY(pdessm_cli_words(c, "op", o->ops, &p->ops));
    if (o->batches)
        PDESSM_TRY(pdessm_cli_sizes(c, "batch", o->batches, LARGEST_BATCH, &p->batches));
    PDESSM_TRY(pdessm_cli_words(c, "model", o->models ? o->models : default_models, &p->models));
    PDESSM_TRY(
        pdessm_cli_sizes(c, "grid", o->grids ? o->grids : default_grids, LARGEST_GRID, &p->grids));
    PDESSM_TRY(pdessm_cli_sizes(c, "image-size", o->image_sizes ? o->image_sizes : "32",
                                LARGEST_IMAGE, &p->images));
    PDESSM_TRY(check_names(p));
    for (int i = 0; i < p->batches.count; i++)
        PDESSM_REQUIRE(c->ctx, p->batches.size[i][0] == p->batches.size[i][1],
                       PDESSM_ERROR_ARGUMENT, "--batch '%s': expected numbers such as 1,8,64",
                       o->batches);
out:
    return status;
}

/* --op speaks of operators only, --model of networks only. */
static int wants(const bench_options *o, bench_suite suite) {
    if (o->suite != BENCH_SUITES)
        return o->suite == (int)suite;
    return suite == BENCH_OPS ? !o->models || o->ops : !o->ops || o->models;
}

static pdessm_status add_suite(plan *p, bench_suite suite, const char *default_batch) {
    pdessm_status status = PDESSM_OK;
    cli_sizes one = {0};
    PDESSM_TRY(pdessm_cli_sizes(p->j->c, "batch", default_batch, LARGEST_BATCH, &one));
    add_networks(p, suite, p->batches.count ? &p->batches : &one);
out:
    free(one.size);
    return status;
}

pdessm_status pdessm_cli_bench_plan(bench_job *j) {
    plan p = {.j = j};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(read_options(&p));
    if (wants(&j->o, BENCH_OPS))
        add_operators(&p);
    if (wants(&j->o, BENCH_STEP))
        PDESSM_TRY(add_suite(&p, BENCH_STEP, default_step_batch));
    if (wants(&j->o, BENCH_SAMPLE))
        PDESSM_TRY(add_suite(&p, BENCH_SAMPLE, default_sample_batch));
out:
    free(p.ops.word);
    free(p.models.word);
    free(p.grids.size);
    free(p.batches.size);
    free(p.images.size);
    return status;
}
