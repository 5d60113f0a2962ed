/* SPDX-License-Identifier: MIT */
/* trainer_step.c: one step of training on parts of a graph. */
#include <math.h>
#include <string.h>

#include "graphs/trainer.h"
#include "ops/calls.h"

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

static pdessm_status resize(pdessm_graph_level_tape *t, const pdessm_csr *csr) {
    pdessm_tensor *const inputs[] = {t->in.pattern.start,
                                     t->in.pattern.column,
                                     t->in.pattern.reverse,
                                     t->in.weight,
                                     t->in.x,
                                     t->in.node,
                                     t->labels};
    const int64_t extents[] = {csr->nodes + 1, csr->edges, csr->edges, csr->edges,
                               csr->nodes,     csr->nodes, csr->nodes};
    return pdessm_tape_resize(t->tape, (int)(sizeof extents / sizeof *extents), inputs, extents);
}

/* Straight into the tensor: features are the largest thing there is. */
static pdessm_status load_features(const pdessm_graph_trainer *m, pdessm_tensor *x,
                                   const pdessm_selection *s) {
    pdessm_status status = PDESSM_OK;
    const size_t row = (size_t)m->set->features;
    if (m->device->dry)
        return status;
    PDESSM_TRY(pdessm_tensor_to_host(x, 0));
    float *to = pdessm_tensor_host(x);
    for (int64_t r = 0; r < s->csr->nodes; r++)
        memcpy(to + (size_t)r * row, m->set->feature + (size_t)s->node[r] * row, row * sizeof *to);
    pdessm_tensor_written(x, PDESSM_VALID_HOST);
out:
    return status;
}

static pdessm_status load(pdessm_graph_trainer *m, pdessm_graph_level_tape *t,
                          const pdessm_selection *s) {
    pdessm_status status = PDESSM_OK;
    const pdessm_csr *csr = s->csr;
    if (t->fixed && t->loaded)
        return status;
    normalise(csr, m->weight);
    if (!t->fixed)
        PDESSM_TRY(resize(t, csr));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.start, csr->start));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.column, csr->column));
    PDESSM_TRY(pdessm_tensor_write(t->in.pattern.reverse, csr->reverse));
    PDESSM_TRY(pdessm_tensor_write(t->in.weight, m->weight));
    PDESSM_TRY(pdessm_tensor_write(t->in.node, s->node));
    PDESSM_TRY(pdessm_tensor_write(t->labels, s->label));
    if (!m->x || !t->fixed || csr->nodes < m->set->csr.nodes)
        PDESSM_TRY(load_features(m, t->in.x, s));
    t->loaded = 1;
out:
    return status;
}

/* The level's part of the batch that was drawn, onto the tape that runs it. */
static pdessm_status load_level(pdessm_graph_trainer *m, int level, pdessm_graph_level_tape **ret) {
    const pdessm_node_batch *f = m->batch;
    pdessm_selection s = {.csr = f->csr, .node = f->node, .label = f->label};
    pdessm_graph_level_tape *t = level == 0 && m->options.batch == 0 ? &m->whole : &m->part;
    if (level > 0) {
        const int64_t count = pdessm_pooling_order_level(m->order, level, m->chosen);
        for (int64_t r = 0; r < count; r++) {
            m->node[r] = f->node[m->chosen[r]];
            m->label[r] = f->label[m->chosen[r]];
        }
        if (m->options.power > 1)
            pdessm_csr_select_near(f->csr, m->options.power, count, m->chosen, m->index, m->near,
                                   &m->csr);
        else
            pdessm_csr_select(f->csr, count, m->chosen, m->index, &m->csr);
        s = (pdessm_selection){.csr = &m->csr, .node = m->node, .label = m->label};
    }
    *ret = t;
    return load(m, t, &s);
}

/* ------------------------------------------------------------------ gradients */

/* Adds share times the gradient of the loss at a level; all runs of a draw drop the same units. */
static pdessm_status run_level(pdessm_graph_trainer *m, int level, const pdessm_draw *draw,
                               double share) {
    pdessm_status status = PDESSM_OK;
    pdessm_graph_level_tape *t = NULL;
    const uint32_t stream = (draw->step << m->options.levels) + draw->index;
    const int32_t clock[] = {(int32_t)(uint32_t)draw->seed, (int32_t)(uint32_t)(draw->seed >> 32),
                             (int32_t)stream};
    PDESSM_TRY(load_level(m, level, &t));
    PDESSM_TRY(pdessm_tensor_write(t->in.clock, clock));
    PDESSM_TRY(pdessm_tape_set_loss_scale(t->tape, share));
    PDESSM_TRY(pdessm_tape_forward(t->tape));
    PDESSM_TRY(pdessm_tape_backward(t->tape));
    PDESSM_TRY(pdessm_call_combine(m->device, m->step_loss, 1, &t->loss, &share, m->step_loss));
    m->result.node_work += (double)pdessm_tensor_dims(t->labels)[0] / (double)m->set->csr.nodes;
    m->result.edge_work += (double)pdessm_tensor_dims(t->in.weight)[0] / (double)m->set->csr.edges;
out:
    return status;
}

/* Draw number `index` of the step, as far as level `finest` needs it. */
static pdessm_draw draw(pdessm_graph_trainer *m, int finest, uint32_t index) {
    const pdessm_draw d = {.seed = m->options.seed, .step = (uint32_t)m->step, .index = index};
    pdessm_node_batch_draw(m->batch, &d);
    if (m->options.levels > 1)
        pdessm_pooling_order_draw(m->order, m->batch->csr, m->options.pooling,
                                  finest > 1 ? finest : 1, &d);
    return d;
}

pdessm_status pdessm_graph_trainer_term(pdessm_graph_trainer *m, int level, uint32_t index,
                                        double share) {
    pdessm_status status = PDESSM_OK;
    const pdessm_draw d = draw(m, level, index);
    PDESSM_TRY(run_level(m, level, &d, share));
    if (level + 1 < m->options.levels)
        PDESSM_TRY(run_level(m, level + 1, &d, -share));
out:
    return status;
}

/* sum_l mean_{B_l}[grad L_l - grad L_{l+1}] + mean[grad L_top], |B_l| = 2^l. */
static pdessm_status telescope(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    uint32_t index = 0;
    for (int level = 0; level < m->options.levels; level++)
        for (int b = 0; b < 1 << level; b++)
            PDESSM_TRY(pdessm_graph_trainer_term(m, level, index++, 1.0 / (1 << level)));
out:
    return status;
}

pdessm_status pdessm_graph_trainer_gradient(pdessm_graph_trainer *m, int level) {
    if (m->options.method == PDESSM_MGE)
        return telescope(m);
    const pdessm_draw d = draw(m, level, 0);
    return run_level(m, level, &d, 1);
}

pdessm_status pdessm_graph_trainer_step(pdessm_graph_trainer *m, int level) {
    pdessm_status status = PDESSM_OK;
    const pdessm_adamw adam = {.rate = m->options.rate,
                               .beta1 = 0.9,
                               .beta2 = 0.999,
                               .epsilon = 1e-8,
                               .step = m->step + 1};
    PDESSM_TRY(pdessm_tensor_zero(pdessm_gnn_gradients(m->gnn)));
    PDESSM_TRY(pdessm_tensor_zero(m->step_loss));
    PDESSM_TRY(pdessm_graph_trainer_gradient(m, level));
    PDESSM_TRY(
        pdessm_call_grad_norm(m->device, pdessm_gnn_gradients(m->gnn), m->step_loss, 0, m->state));
    PDESSM_TRY(pdessm_call_adamw(m->device, pdessm_gnn_values(m->gnn), pdessm_gnn_gradients(m->gnn),
                                 m->first, m->second, m->state, &adam));
    m->step++;
out:
    return status;
}

pdessm_status pdessm_graph_trainer_loss(pdessm_graph_trainer *m, double *ret_loss) {
    float loss;
    pdessm_status status = pdessm_tensor_read(m->step_loss, &loss);
    if (status == PDESSM_OK)
        *ret_loss = (double)loss;
    return status;
}

pdessm_status pdessm_graph_trainer_look(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_batch *f = m->held_out;
    PDESSM_TRY(
        load(m, &m->look, &(pdessm_selection){.csr = f->csr, .node = f->node, .label = f->label}));
    pdessm_tape_invalidate(m->look.tape);
    PDESSM_TRY(pdessm_tape_forward(m->look.tape));
    PDESSM_TRY(pdessm_tensor_read(m->look.logits, m->logits));
    m->result.evaluations++;
out:
    return status;
}
