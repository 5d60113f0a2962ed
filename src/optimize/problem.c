/* SPDX-License-Identifier: MIT */
/* problem.c: the built-in problems of optimisation, each as a whole: made, started, judged. */
#include "optimize/problem.h"

#include <stdlib.h>
#include <string.h>

static const pdessm_problem_kind kinds[] = {
#define FUNCTION(identifier, box)                                                                  \
    {                                                                                              \
        .function = PDESSM_LANDSCAPE_##identifier, .half = box,                                    \
        .draw = pdessm_problem_draw_landscape, .record = pdessm_problem_record_landscape           \
    }
    FUNCTION(ACKLEY, 32.768),
    FUNCTION(RASTRIGIN, 5.12),
    FUNCTION(GRIEWANK, 600),
    FUNCTION(LEVY, 10),
    FUNCTION(ALPINE1, 10),
    FUNCTION(STYBLINSKI_TANG, 5),
    FUNCTION(SCHWEFEL, 500),
#undef FUNCTION
    {.name = "sparse-log",
     .function = PDESSM_LANDSCAPE_LOG,
     .draw = pdessm_problem_draw_sparse,
     .record = pdessm_problem_record_sparse,
     .judge = pdessm_problem_judge_sparse},
    {.name = "sparse-ratio",
     .function = PDESSM_LANDSCAPE_RATIO,
     .draw = pdessm_problem_draw_sparse,
     .record = pdessm_problem_record_sparse,
     .judge = pdessm_problem_judge_sparse},
    {.name = "cdr",
     .draw = pdessm_problem_draw_cdr,
     .record = pdessm_problem_record_cdr,
     .judge = pdessm_problem_judge_cdr,
     .starts_in_the_middle = 1},
};

enum { KINDS = sizeof kinds / sizeof *kinds };
/* Streams of an instance: the lower ones draw a landscape, those from 2^20 the other kinds. */
enum { STREAM_START = 2 };

pdessm_problem_options pdessm_problem_defaults(void) {
    return (pdessm_problem_options){.dimension = 10,
                                    .measurements = 80,
                                    .nonzeros = 10,
                                    .noise = 0.01,
                                    .penalty_weight = 0.003,
                                    .penalty_width = 0.05,
                                    .grid = 32,
                                    .shift = 0.25};
}

/* Test functions are called as they are among the landscapes. */
static const char *name_of(const pdessm_problem_kind *kind) {
    return kind->name ? kind->name : pdessm_landscape_function_name(kind->function);
}

static pdessm_status find_kind(pdessm_context *ctx, const char *name,
                               const pdessm_problem_kind **ret) {
    char all[256] = "";
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(name_of(&kinds[i]), name) == 0) {
            *ret = &kinds[i];
            return PDESSM_OK;
        }
        strcat(strcat(all, " "), name_of(&kinds[i]));
    }
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "there is no problem '%s'; expected one of:%s",
                       name, all);
}

pdessm_status pdessm_problem_create(pdessm_device *device, const char *name,
                                    const pdessm_problem_options *options, pdessm_problem **ret) {
    pdessm_context *ctx = device->ctx;
    pdessm_status status = PDESSM_OK;
    pdessm_problem *p = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *p, &p));
    p->device = device;
    p->ctx = ctx;
    p->options = options ? *options : pdessm_problem_defaults();
    PDESSM_TRY(find_kind(ctx, name, &p->kind));
    PDESSM_REQUIRE(ctx, p->options.dimension >= 1 && p->options.dimension <= 1 << 20,
                   PDESSM_ERROR_ARGUMENT, "problem %s: dimension %lld, expected 1 to 2^20", name,
                   (long long)p->options.dimension);
    PDESSM_REQUIRE(ctx, p->options.instance <= UINT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "problem %s: instance %llu, expected less than 2^32", name,
                   (unsigned long long)p->options.instance);
    PDESSM_TRY(p->kind->draw(p));
    p->objective = (pdessm_objective){.dimension = p->dimension,
                                      .lower = p->lower,
                                      .upper = p->upper,
                                      .evaluate = pdessm_problem_evaluate,
                                      .user = p};
    *ret = p;
    return PDESSM_OK;
out:
    pdessm_problem_destroy(&p);
    return status;
}

void pdessm_problem_destroy(pdessm_problem **problem) {
    pdessm_problem *p = *problem;
    if (!p)
        return;
    pdessm_problem_release_batches(p);
    for (int i = 0; i < PDESSM_PROBLEM_CONSTANTS; i++)
        pdessm_tensor_destroy(&p->constant[i]);
    free(p->lower);
    free(p->upper);
    free(p->truth);
    free(p->host);
    free(p);
    *problem = NULL;
}

const pdessm_objective *pdessm_problem_objective(const pdessm_problem *problem) {
    return &problem->objective;
}

void pdessm_problem_start(const pdessm_problem *problem, uint32_t index, double *ret_x) {
    const pdessm_problem *p = problem;
    for (int64_t j = 0; j < p->dimension; j++) {
        const double share = p->kind->starts_in_the_middle
                                 ? 0.5
                                 : pdessm_problem_uniform(p, STREAM_START + index, j);
        ret_x[j] = p->lower[j] + share * (p->upper[j] - p->lower[j]);
    }
}

pdessm_problem_score pdessm_problem_judge(const pdessm_problem *problem, const double *x,
                                          double value) {
    pdessm_problem_score score = {.recovered = value < 0.01};
    if (problem->kind->judge)
        problem->kind->judge(problem, x, &score);
    return score;
}
