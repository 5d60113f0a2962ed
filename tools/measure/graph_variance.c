/* SPDX-License-Identifier: MIT */
/* graph_variance.c: how much the terms of the multiscale gradient estimator scatter on a graph, as
 * JSON: tools/measure/graphs.py.
 *
 * graph_variance DATA NETWORK POOLING LEVELS BATCH EPOCHS REPEATS SEED
 *
 * A network of 64 channels is trained for a number of epochs at level 0, then measured: of one
 * draw's grad L_0 alone, and of each term of the sum, the variance (trace of the covariance) over
 * draws and dropped units, the square of the mean, and the nodes and edges run through, in units of
 * the whole graph. */
#include <stdio.h>
#include <stdlib.h>

#include <pdessm/graph_train.h>
#include <pdessm/pdessm.h>

#include "graphs/trainer.h"

enum { WIDTH = 64, ARGUMENTS = 8 };

typedef struct job {
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_node_set *set;
    pdessm_gnn *gnn;
    pdessm_graph_trainer multiscale;
    int repeats;
    int64_t n; /* numbers of a gradient */
    float *gradient;
    double *sum;
} job;

static pdessm_status open_all(job *j, char **argv) {
    pdessm_status status = PDESSM_OK;
    const pdessm_context_options options = {.threads = 1};
    pdessm_graph_train_options o = pdessm_graph_train_defaults();
    pdessm_graph_train_result trained;
    pdessm_gnn_kind kind;
    PDESSM_TRY(pdessm_context_create(&options, &j->ctx));
    PDESSM_TRY(pdessm_device_open(j->ctx, "cpu", &j->device));
    PDESSM_TRY(pdessm_node_set_open(j->ctx, argv[1], NULL, &j->set));
    PDESSM_TRY(pdessm_gnn_find(j->ctx, argv[2], &kind));
    PDESSM_TRY(pdessm_pooling_find(j->ctx, argv[3], &o.pooling));
    const pdessm_node_set_info info = pdessm_node_set_get_info(j->set);
    pdessm_gnn_config config = pdessm_gnn_defaults(kind, info.features, info.classes);
    config.width = WIDTH;
    o.seed = strtoull(argv[8], NULL, 10);
    PDESSM_TRY(pdessm_gnn_create(j->device, &config, o.seed, &j->gnn));
    o.rate = 0.01;
    o.batch = atoll(argv[5]);
    o.epochs = o.evaluate = atoll(argv[6]);
    PDESSM_TRY(pdessm_graph_train(j->gnn, j->set, &o, &trained));
    o.method = PDESSM_MGE;
    o.levels = atoi(argv[4]);
    j->repeats = atoi(argv[7]);
    j->multiscale = (pdessm_graph_trainer){
        .device = j->device, .ctx = j->ctx, .gnn = j->gnn, .set = j->set, .options = o};
    PDESSM_TRY(pdessm_graph_trainer_build(&j->multiscale));
    j->n = pdessm_tensor_count(pdessm_gnn_gradients(j->gnn));
    PDESSM_TRY(pdessm_alloc(j->ctx, (size_t)j->n, sizeof *j->gradient, &j->gradient));
    PDESSM_TRY(pdessm_alloc(j->ctx, (size_t)j->n, sizeof *j->sum, &j->sum));
out:
    return status;
}

/* The term of a level among a number of levels; with one level it is the plain gradient. */
static pdessm_status measure(job *j, int levels, int level, const char *name) {
    pdessm_status status = PDESSM_OK;
    pdessm_graph_trainer *m = &j->multiscale;
    const int all = m->options.levels;
    double squares = 0, mean = 0;
    m->result = (pdessm_graph_train_result){0};
    for (int64_t i = 0; i < j->n; i++)
        j->sum[i] = 0;
    m->options.levels = levels;
    for (int r = 0; r < j->repeats; r++, m->step++) {
        PDESSM_TRY(pdessm_tensor_zero(pdessm_gnn_gradients(j->gnn)));
        PDESSM_TRY(pdessm_graph_trainer_term(m, level, 0, 1));
        PDESSM_TRY(pdessm_tensor_read(pdessm_gnn_gradients(j->gnn), j->gradient));
        for (int64_t i = 0; i < j->n; i++) {
            j->sum[i] += (double)j->gradient[i];
            squares += (double)j->gradient[i] * (double)j->gradient[i];
        }
    }
    for (int64_t i = 0; i < j->n; i++)
        mean += j->sum[i] / j->repeats * (j->sum[i] / j->repeats);
    const double variance = (squares / j->repeats - mean) * j->repeats / (j->repeats - 1);
    printf("{\"term\": \"%s\", \"level\": %d, \"variance\": %.6g, \"square\": %.6g, \"node_work\": "
           "%.6g, \"edge_work\": %.6g}",
           name, level, variance, mean - variance / j->repeats, m->result.node_work / j->repeats,
           m->result.edge_work / j->repeats);
out:
    m->options.levels = all;
    return status;
}

static pdessm_status measure_all(job *j, char **argv) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(open_all(j, argv));
    const int levels = j->multiscale.options.levels;
    fputs("[", stdout);
    PDESSM_TRY(measure(j, 1, 0, "gradient"));
    for (int l = 0; l < levels; l++) {
        fputs(", ", stdout);
        PDESSM_TRY(measure(j, levels, l, l + 1 < levels ? "difference" : "coarsest"));
    }
    puts("]");
out:
    return status;
}

int main(int argc, char **argv) {
    job j = {0};
    if (argc != 1 + ARGUMENTS || atoi(argv[4]) < 2 || atoi(argv[6]) < 1 || atoi(argv[7]) < 2) {
        fputs("usage: graph_variance DATA NETWORK POOLING LEVELS BATCH EPOCHS REPEATS SEED\n"
              "2 or more levels and repeats, 1 or more epochs\n",
              stderr);
        return 2;
    }
    const pdessm_status status = measure_all(&j, argv);
    if (status != PDESSM_OK)
        fprintf(stderr, "graph_variance: %s\n", j.ctx ? pdessm_context_error(j.ctx) : "no context");
    free(j.gradient);
    free(j.sum);
    pdessm_graph_trainer_release(&j.multiscale);
    pdessm_gnn_destroy(&j.gnn);
    pdessm_node_set_destroy(&j.set);
    pdessm_device_destroy(&j.device);
    pdessm_context_destroy(&j.ctx);
    return status != PDESSM_OK;
}
