/* SPDX-License-Identifier: MIT */
/* multiscale_step.c: one step of training on parts of a graph. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/calls.h"
#include "drivers/multiscale.h"

enum { STATE_SIZE = 8 };

/* ------------------------------------------------------------------ building */

/* A tape for the whole graph. */
static pdessm_status record(pdessm_multiscale *m, int training, pdessm_level_tape *t) {
    pdessm_status status = PDESSM_OK;
    const pdessm_csr *csr = &m->set->csr;
    const int64_t rows = csr->nodes + 1, clock = 3, x[] = {csr->nodes, m->set->features};
    PDESSM_TRY(pdessm_graph_create(m->device, &t->graph));
    pdessm_graph *g = t->graph;
    t->in.pattern.start = pdessm_graph_input(g, PDESSM_INT32, 1, &rows);
    t->in.pattern.column = pdessm_graph_input(g, PDESSM_INT32, 1, &csr->edges);
    t->in.pattern.reverse = pdessm_graph_input(g, PDESSM_INT32, 1, &csr->edges);
    t->in.weight = pdessm_graph_input(g, PDESSM_FLOAT32, 1, &csr->edges);
    t->in.x = pdessm_graph_input(g, PDESSM_FLOAT32, 2, x);
    t->in.node = pdessm_graph_input(g, PDESSM_INT32, 1, x);
    t->in.clock = pdessm_graph_input(g, PDESSM_INT32, 1, &clock);
    t->labels = pdessm_graph_input(g, PDESSM_INT32, 1, x);
    t->logits = pdessm_gnn_logits(m->gnn, g, &t->in, training);
    t->loss = pdessm_cross_entropy(g, t->logits, t->labels, 0);
    if (training) {
        PDESSM_TRY(pdessm_graph_plan(g, t->loss));
    } else {
        pdessm_graph_output(g, t->logits);
        pdessm_graph_output(g, t->loss);
        PDESSM_TRY(pdessm_graph_plan(g, NULL));
    }
out:
    return status;
}

static pdessm_status make_arrays(pdessm_multiscale *m) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_set *s = m->set;
    const size_t n = (size_t)s->csr.nodes, edges = (size_t)s->csr.edges;
    PDESSM_TRY(pdessm_csr_reserve(m->ctx, s->csr.nodes, s->csr.edges, &m->part));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->chosen, &m->chosen));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->index, &m->index));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->train_label, &m->train_label));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->label, &m->label));
    PDESSM_TRY(pdessm_alloc(m->ctx, n * (size_t)s->features, sizeof *m->feature, &m->feature));
    PDESSM_TRY(pdessm_alloc(m->ctx, edges, sizeof *m->weight, &m->weight));
    PDESSM_TRY(pdessm_alloc(m->ctx, n * (size_t)s->classes, sizeof *m->logits, &m->logits));
    for (size_t i = 0; i < n; i++) {
        m->index[i] = -1;
        m->train_label[i] = s->part[i] == PDESSM_NODES_TRAIN ? s->label[i] : -1;
    }
out:
    return status;
}

static pdessm_status make_optimiser(pdessm_multiscale *m) {
    pdessm_status status = PDESSM_OK;
    const int64_t one = 1, size = STATE_SIZE;
    const int64_t total = pdessm_tensor_count(pdessm_gnn_values(m->gnn));
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, 1, &total, &m->first));
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, 1, &total, &m->second));
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, 1, &size, &m->state));
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, 1, &one, &m->step_loss));
    PDESSM_TRY(pdessm_tensor_zero(m->first));
    PDESSM_TRY(pdessm_tensor_zero(m->second));
    PDESSM_TRY(pdessm_tensor_zero(m->state));
    PDESSM_TRY(pdessm_tensor_zero(m->step_loss));
out:
    return status;
}

pdessm_status pdessm_multiscale_build(pdessm_multiscale *m) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_pool_order_create(m->ctx, &m->set->csr, &m->order));
    PDESSM_TRY(make_arrays(m));
    PDESSM_TRY(make_optimiser(m));
    PDESSM_TRY(record(m, 1, &m->train));
    PDESSM_TRY(record(m, 0, &m->look));
out:
    return status;
}

void pdessm_multiscale_release(pdessm_multiscale *m) {
    pdessm_graph_destroy(&m->train.graph);
    pdessm_graph_destroy(&m->look.graph);
    pdessm_pool_order_destroy(&m->order);
    pdessm_csr_release(&m->part);
    free(m->chosen);
    free(m->index);
    free(m->train_label);
    free(m->label);
    free(m->feature);
    free(m->weight);
    free(m->logits);
    pdessm_tensor_destroy(&m->first);
    pdessm_tensor_destroy(&m->second);
    pdessm_tensor_destroy(&m->state);
    pdessm_tensor_destroy(&m->step_loss);
}

/* ------------------------------------------------------------------ a level onto the tape */

/* D^-1/2 A D^-1/2 with the degrees that the part itself has. */
static void normalise(const pdessm_csr *csr, float *weight) {
    for (int64_t i = 0; i < csr->nodes; i++)
        for (int32_t e = csr->start[i]; e < csr->start[i + 1]; e++) {
            const int32_t j = csr->column[e];
            const double product = (double)(csr->start[i + 1] - csr->start[i]) *
                                   (double)(csr->start[j + 1] - csr->start[j]);
            weight[e] = (float)(1 / sqrt(product));
        }
}

static pdessm_status resize(pdessm_level_tape *t, const pdessm_csr *csr) {
    pdessm_tensor *const inputs[] = {t->in.pattern.start,
                                     t->in.pattern.column,
                                     t->in.pattern.reverse,
                                     t->in.weight,
                                     t->in.x,
                                     t->in.node,
                                     t->labels};
    const int64_t extents[] = {csr->nodes + 1, csr->edges, csr->edges, csr->edges,
                               csr->nodes,     csr->nodes, csr->nodes};
    return pdessm_graph_resize(t->graph, (int)(sizeof extents / sizeof *extents), inputs, extents);
}

/* m->chosen and the edges between them, with what belongs to them. */
static pdessm_status load(pdessm_multiscale *m, pdessm_level_tape *t, const pdessm_csr *csr) {
    pdessm_status status = PDESSM_OK;
    const size_t row = (size_t)m->set->features;
    for (int64_t r = 0; r < csr->nodes; r++) {
        const size_t i = (size_t)m->chosen[r];
        memcpy(m->feature + (size_t)r * row, m->set->feature + i * row, row * sizeof *m->feature);
        m->label[r] = m->train_label[i];
    }
    normalise(csr, m->weight);
    PDESSM_TRY(resize(t, csr));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.start, csr->start));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.column, csr->column));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.reverse, csr->reverse));
    PDESSM_TRY(pdessm_tensor_write(t->in.weight, m->weight));
    PDESSM_TRY(pdessm_tensor_write(t->in.x, m->feature));
    PDESSM_TRY(pdessm_tensor_write(t->in.node, m->chosen));
    PDESSM_TRY(pdessm_tensor_write(t->labels, m->label));
    t->whole = csr->nodes == m->set->csr.nodes;
out:
    return status;
}

/* The level's part of the graph, of the order that was drawn. The whole graph stays where it is. */
static pdessm_status load_level(pdessm_multiscale *m, pdessm_level_tape *t, int level) {
    const pdessm_csr *csr = &m->set->csr;
    if (level == 0 && t->whole)
        return PDESSM_OK;
    const int64_t count = pdessm_pool_order_level(m->order, level, m->chosen);
    if (count < csr->nodes) {
        pdessm_csr_select(csr, count, m->chosen, m->index, &m->part);
        csr = &m->part;
    }
    return load(m, t, csr);
}

/* ------------------------------------------------------------------ gradients */

/* Adds share times the gradient of the loss at a level; all runs of a draw drop the same units. */
static pdessm_status run_level(pdessm_multiscale *m, int level, const pdessm_draw *draw,
                               double share) {
    pdessm_status status = PDESSM_OK;
    pdessm_level_tape *t = &m->train;
    const uint32_t stream = (draw->step << m->options.levels) + draw->index;
    const int32_t clock[] = {(int32_t)(uint32_t)draw->seed, (int32_t)(uint32_t)(draw->seed >> 32),
                             (int32_t)stream};
    PDESSM_TRY(load_level(m, t, level));
    PDESSM_TRY(pdessm_tensor_write(t->in.clock, clock));
    PDESSM_TRY(pdessm_graph_set_loss_scale(t->graph, share));
    PDESSM_TRY(pdessm_graph_forward(t->graph));
    PDESSM_TRY(pdessm_graph_backward(t->graph));
    PDESSM_TRY(pdessm_call_combine(m->device, m->step_loss, 1, &t->loss, &share, m->step_loss));
    m->result.node_work += (double)pdessm_tensor_dims(t->labels)[0] / (double)m->set->csr.nodes;
    m->result.edge_work += (double)pdessm_tensor_dims(t->in.weight)[0] / (double)m->set->csr.edges;
out:
    return status;
}

/* Draw number `index` of the step, as far as level `finest` needs it. */
static pdessm_draw draw(pdessm_multiscale *m, int finest, uint32_t index) {
    const pdessm_draw d = {.seed = m->options.seed, .step = (uint32_t)m->step, .index = index};
    if (m->options.levels > 1)
        pdessm_pool_order_draw(m->order, m->options.pooling, finest > 1 ? finest : 1, &d);
    return d;
}

/* sum_l mean_{B_l}[grad L_l - grad L_{l+1}] + mean[grad L_top], |B_l| = 2^l. */
static pdessm_status telescope(pdessm_multiscale *m) {
    pdessm_status status = PDESSM_OK;
    const int top = m->options.levels - 1;
    uint32_t index = 0;
    for (int level = 0; level <= top; level++)
        for (int b = 0; b < 1 << level; b++) {
            const double share = 1.0 / (1 << level);
            const pdessm_draw d = draw(m, level, index++);
            PDESSM_TRY(run_level(m, level, &d, share));
            if (level < top)
                PDESSM_TRY(run_level(m, level + 1, &d, -share));
        }
out:
    return status;
}

pdessm_status pdessm_multiscale_gradient(pdessm_multiscale *m, int level) {
    if (m->options.method == PDESSM_MGE)
        return telescope(m);
    const pdessm_draw d = draw(m, level, 0);
    return run_level(m, level, &d, 1);
}

pdessm_status pdessm_multiscale_step(pdessm_multiscale *m, int level) {
    pdessm_status status = PDESSM_OK;
    const pdessm_adamw adam = {.rate = m->options.rate,
                               .beta1 = 0.9,
                               .beta2 = 0.999,
                               .epsilon = 1e-8,
                               .step = m->step + 1};
    PDESSM_TRY(pdessm_tensor_zero(pdessm_gnn_gradients(m->gnn)));
    PDESSM_TRY(pdessm_tensor_zero(m->step_loss));
    PDESSM_TRY(pdessm_multiscale_gradient(m, level));
    PDESSM_TRY(
        pdessm_call_grad_norm(m->device, pdessm_gnn_gradients(m->gnn), m->step_loss, 0, m->state));
    PDESSM_TRY(pdessm_call_adamw(m->device, pdessm_gnn_values(m->gnn), pdessm_gnn_gradients(m->gnn),
                                 m->first, m->second, m->state, &adam));
    m->step++;
out:
    return status;
}

pdessm_status pdessm_multiscale_look(pdessm_multiscale *m, double *ret_loss) {
    pdessm_status status = PDESSM_OK;
    float loss;
    PDESSM_TRY(load_level(m, &m->look, 0));
    pdessm_graph_invalidate(m->look.graph);
    PDESSM_TRY(pdessm_graph_forward(m->look.graph));
    PDESSM_TRY(pdessm_tensor_read(m->look.logits, m->logits));
    PDESSM_TRY(pdessm_tensor_read(m->look.loss, &loss));
    *ret_loss = (double)loss;
    m->result.evaluations++;
out:
    return status;
}
