/* SPDX-License-Identifier: MIT */
/* trainer.c: the schedules of training over levels, and the epoch that validation chooses. */
#include "graphs/trainer.h"

#include <math.h>
#include <string.h>

#include "core/names.h"

/* ------------------------------------------------------------------ names and options */

PDESSM_DEFINE_NAMES(pdessm_graph_train_method, pdessm_graph_train_method,
                    PDESSM_GRAPH_TRAIN_METHODS, "method")
PDESSM_DEFINE_NAMES(pdessm_pooling, pdessm_pooling, PDESSM_POOLINGS, "pooling")

pdessm_graph_train_options pdessm_graph_train_defaults(void) {
    return (pdessm_graph_train_options){.method = PDESSM_SINGLE,
                                        .pooling = PDESSM_POOLING_RANDOM,
                                        .levels = 1,
                                        .power = 1,
                                        .rate = 1e-3,
                                        .evaluate = 10};
}

enum { MOST_LEVELS = 12, MOST_POWER = 8 };

/* Also fills in what follows from the rest. */
static pdessm_status check_options(pdessm_context *ctx, pdessm_graph_train_options *o) {
    static const int64_t epochs[] = {2000, 1000, 800, 600};
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, o->levels >= 1 && o->levels <= MOST_LEVELS, PDESSM_ERROR_ARGUMENT,
                   "%d levels: expected 1 to %d", o->levels, MOST_LEVELS);
    PDESSM_REQUIRE(ctx, o->power >= 1 && o->power <= MOST_POWER, PDESSM_ERROR_ARGUMENT,
                   "power %d: expected 1 to %d", o->power, MOST_POWER);
    PDESSM_REQUIRE(ctx, o->method != PDESSM_SINGLE || o->levels == 1, PDESSM_ERROR_ARGUMENT,
                   "method single has one level, not %d", o->levels);
    PDESSM_REQUIRE(ctx, o->epochs >= 0 && o->epochs <= 1 << 24, PDESSM_ERROR_ARGUMENT,
                   "%lld epochs: expected 1 to 2^24", (long long)o->epochs);
    PDESSM_REQUIRE(ctx, o->batch >= 0, PDESSM_ERROR_ARGUMENT,
                   "a batch of %lld: expected 1 or more, or 0 for all", (long long)o->batch);
    PDESSM_REQUIRE(ctx, o->evaluate >= 1, PDESSM_ERROR_ARGUMENT,
                   "evaluation every %lld epochs: expected 1 or more", (long long)o->evaluate);
    PDESSM_REQUIRE(ctx, o->rate > 0 && isfinite(o->rate), PDESSM_ERROR_ARGUMENT,
                   "learning rate %g: expected more than 0", o->rate);
    if (o->epochs == 0)
        o->epochs = epochs[o->levels < 4 ? o->levels - 1 : 3];
    if (o->method == PDESSM_SUB_TO_FULL)
        o->pooling = PDESSM_POOLING_SUBGRAPH;
out:
    return status;
}

/* ------------------------------------------------------------------ evaluation */

static double accuracy(const pdessm_graph_trainer *m, pdessm_node_split part) {
    const int64_t classes = m->set->classes;
    int64_t right = 0, counted = 0;
    for (int64_t r = 0; r < m->held_out->csr->nodes; r++) {
        const float *logits = m->logits + r * classes;
        const int32_t i = m->held_out->node[r];
        int64_t best = 0;
        if (m->set->split[i] != (uint8_t)part)
            continue;
        for (int64_t k = 1; k < classes; k++)
            best = logits[k] > logits[best] ? k : best;
        right += best == m->set->label[i];
        counted++;
    }
    return (double)right / (double)counted;
}

static pdessm_status evaluate(pdessm_graph_trainer *m, pdessm_graph_train_report *s) {
    pdessm_status status = PDESSM_OK;
    pdessm_graph_train_result *r = &m->result;
    PDESSM_TRY(pdessm_graph_trainer_loss(m, &s->loss));
    PDESSM_REQUIRE(m->ctx, isfinite(s->loss), PDESSM_ERROR_NUMERIC,
                   "the loss is not finite after %lld epochs: try a lower learning rate than %g",
                   (long long)s->epoch, m->options.rate);
    PDESSM_TRY(pdessm_graph_trainer_look(m));
    r->epochs = s->epoch;
    s->validation_accuracy = accuracy(m, PDESSM_NODES_VALIDATION);
    if (r->best_epoch == 0 || s->validation_accuracy > r->validation_accuracy) {
        r->best_epoch = s->epoch;
        r->validation_accuracy = s->validation_accuracy;
        r->test_accuracy = accuracy(m, PDESSM_NODES_TEST);
    }
    s->best_validation = r->validation_accuracy;
    s->test_accuracy = r->test_accuracy;
    s->node_work = r->node_work;
    s->edge_work = r->edge_work;
    PDESSM_REQUIRE(m->ctx, !m->options.progress || !m->options.progress(m->options.user, s),
                   PDESSM_ERROR_CANCELLED, "cancelled after %lld of %lld epochs",
                   (long long)s->epoch, (long long)s->epochs);
out:
    return status;
}

/* ------------------------------------------------------------------ schedules */

/* As many draws as it takes to see as many units as there are. */
static int64_t steps_of_epoch(const pdessm_graph_trainer *m) {
    const int64_t batch = m->options.batch;
    return batch > 0 ? (m->batch->units + batch - 1) / batch : 1;
}

/* Epochs at one level. A coarser level takes cheaper and more of them, and looks as much rarer. */
static pdessm_status stage(pdessm_graph_trainer *m, int level, pdessm_graph_train_report *s) {
    pdessm_status status = PDESSM_OK;
    const int64_t epochs = m->options.epochs << level, every = m->options.evaluate << level;
    s->level = level;
    for (int64_t k = 1; k <= epochs; k++) {
        for (int64_t step = 0; step < steps_of_epoch(m); step++)
            PDESSM_TRY(pdessm_graph_trainer_step(m, level));
        s->epoch++;
        if (k % every == 0 || k == epochs)
            PDESSM_TRY(evaluate(m, s));
    }
out:
    return status;
}

static pdessm_status run(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const int coarsest = m->options.method == PDESSM_MGE ? 0 : m->options.levels - 1;
    pdessm_graph_train_report report = {0};
    for (int level = 0; level <= coarsest; level++)
        report.epochs += m->options.epochs << level;
    for (int level = coarsest; level >= 0; level--)
        PDESSM_TRY(stage(m, level, &report));
out:
    return status;
}

pdessm_status pdessm_graph_train(pdessm_gnn *gnn, const pdessm_node_set *set,
                                 const pdessm_graph_train_options *options,
                                 pdessm_graph_train_result *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_device *device = pdessm_gnn_device(gnn);
    pdessm_graph_trainer m = {
        .device = device, .ctx = device->ctx, .gnn = gnn, .set = set, .options = *options};
    PDESSM_TRY(check_options(m.ctx, &m.options));
    PDESSM_TRY(pdessm_graph_trainer_build(&m));
    status = run(&m);
    if (status == PDESSM_OK || (status == PDESSM_ERROR_CANCELLED && m.result.best_epoch > 0))
        *ret = m.result;
out:
    pdessm_graph_trainer_release(&m);
    return status;
}
