/* SPDX-License-Identifier: MIT */
/* trainer_build.c: what training on parts of a graph needs: tapes, arrays, the optimiser. */
#include <stdlib.h>

#include "graphs/trainer.h"
#include "tape/tape.h"

enum { STATE_SIZE = 8 };

static void make_inputs(pdessm_graph_trainer *m, pdessm_tensor *x, pdessm_graph_level_tape *t) {
    pdessm_tape *tape = t->tape;
    const int64_t rows = t->nodes + 1, clock = 3, extents[] = {t->nodes, m->set->features};
    t->in.pattern.start = pdessm_tape_input(tape, PDESSM_INT32, 1, &rows);
    t->in.pattern.column = pdessm_tape_input(tape, PDESSM_INT32, 1, &t->edges);
    t->in.pattern.reverse = pdessm_tape_input(tape, PDESSM_INT32, 1, &t->edges);
    t->in.weight = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, &t->edges);
    t->in.x =
        x ? pdessm_tape_external(tape, x) : pdessm_tape_input(tape, PDESSM_FLOAT32, 2, extents);
    t->in.node = pdessm_tape_input(tape, PDESSM_INT32, 1, extents);
    t->in.clock = pdessm_tape_input(tape, PDESSM_INT32, 1, &clock);
    t->labels = pdessm_tape_input(tape, PDESSM_INT32, 1, extents);
}

/* x: features that are there already (then the tape is fixed), or NULL. */
static pdessm_status record(pdessm_graph_trainer *m, int training, int64_t nodes, int64_t edges,
                            pdessm_tensor *x, pdessm_tape *lender, pdessm_graph_level_tape *t) {
    pdessm_status status = PDESSM_OK;
    t->nodes = nodes;
    t->edges = edges;
    t->fixed = x || !training;
    PDESSM_TRY(pdessm_tape_create(m->device, &t->tape));
    pdessm_tape_borrow(t->tape, lender);
    make_inputs(m, x, t);
    t->logits = pdessm_gnn_logits(m->gnn, t->tape, &t->in, training);
    if (training) {
        t->loss = pdessm_cross_entropy(t->tape, t->logits, t->labels, 0);
        PDESSM_TRY(pdessm_tape_plan(t->tape, t->loss));
    } else {
        pdessm_tape_output(t->tape, t->logits);
        PDESSM_TRY(pdessm_tape_plan(t->tape, NULL));
    }
out:
    return status;
}

/* A part of a batch has at most half of its nodes, and at most all edges, or those of A^p. */
static pdessm_status make_tapes(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const pdessm_csr *csr = &m->set->csr, *held_out = m->held_out->csr;
    const int64_t extents[] = {csr->nodes, m->set->features};
    const int takes_all = m->options.batch == 0,
              looks_at_all = pdessm_node_batch_is_whole(m->held_out);
    if (takes_all || looks_at_all)
        PDESSM_TRY(
            pdessm_tensor_borrow(m->device, PDESSM_FLOAT32, 2, extents, m->set->feature, &m->x));
    if (takes_all)
        PDESSM_TRY(record(m, 1, csr->nodes, csr->edges, m->x, NULL, &m->whole));
    if (!takes_all)
        PDESSM_TRY(record(m, 1, m->batch->most_nodes, m->most_edges, NULL, NULL, &m->part));
    else if (m->options.levels > 1)
        PDESSM_TRY(record(m, 1, csr->nodes > 1 ? csr->nodes / 2 : 1, m->most_edges, NULL,
                          m->whole.tape, &m->part));
    PDESSM_TRY(record(m, 0, held_out->nodes, held_out->edges, looks_at_all ? m->x : NULL,
                      takes_all ? m->whole.tape : m->part.tape, &m->look));
out:
    return status;
}

static void release_tapes(pdessm_graph_trainer *m) {
    pdessm_tape_destroy(&m->look.tape); /* borrows from the others, as the next from the last */
    pdessm_tape_destroy(&m->part.tape);
    pdessm_tape_destroy(&m->whole.tape);
    pdessm_tensor_destroy(&m->x);
}

/* A^p holds every edge that a level can have: paths in a part are paths in the whole. */
static pdessm_status count_edges(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const pdessm_csr *csr = &m->set->csr;
    m->most_edges = csr->edges;
    if (m->options.power == 1 || m->options.levels == 1)
        goto out;
    PDESSM_TRY(pdessm_alloc(m->ctx, 2 * (size_t)csr->nodes, sizeof *m->near, &m->near));
    m->most_edges = pdessm_csr_count_near(csr, m->options.power, INT32_MAX, m->near);
    PDESSM_REQUIRE(
        m->ctx, m->most_edges <= INT32_MAX, PDESSM_ERROR_MEMORY,
        "more than 2^31 pairs of nodes are at most %d edges apart: take a smaller --power",
        m->options.power);
out:
    return status;
}

static pdessm_status make_arrays(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const size_t n = (size_t)m->batch->most_nodes;
    const size_t looks = (size_t)m->held_out->csr->nodes;
    PDESSM_TRY(pdessm_csr_reserve(m->ctx, m->batch->most_nodes, m->most_edges, &m->csr));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->chosen, &m->chosen));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->index, &m->index));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->node, &m->node));
    PDESSM_TRY(pdessm_alloc(m->ctx, n, sizeof *m->label, &m->label));
    PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)m->most_edges, sizeof *m->weight, &m->weight));
    PDESSM_TRY(
        pdessm_alloc(m->ctx, looks * (size_t)m->set->classes, sizeof *m->logits, &m->logits));
    for (size_t i = 0; i < n; i++)
        m->index[i] = -1;
out:
    return status;
}

static pdessm_status make_optimiser(pdessm_graph_trainer *m) {
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

/* The same tapes on a device that counts and does nothing else. */
static pdessm_status check_memory(const pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const int64_t memory = m->device->info.memory > 0 ? m->device->info.memory : INT64_MAX;
    const int64_t most = m->options.max_bytes ? m->options.max_bytes : memory;
    const pdessm_gnn_config config = pdessm_gnn_get_config(m->gnn);
    pdessm_device device = {
        .ctx = m->ctx, .dry = 1, .host = {.fallback = pdessm_host_table(), .pool = m->ctx->pool}};
    pdessm_graph_trainer dry = *m;
    dry.device = &device;
    dry.gnn = NULL;
    PDESSM_TRY(pdessm_gnn_create(&device, &config, 0, &dry.gnn));
    PDESSM_TRY(make_tapes(&dry));
    PDESSM_REQUIRE(m->ctx, device.memory_peak <= most, PDESSM_ERROR_MEMORY,
                   "training on this graph takes %.3g GB, %.3g GB are allowed: take a smaller "
                   "--batch, fewer --layers or a smaller --width",
                   (double)device.memory_peak * 1e-9, (double)most * 1e-9);
out:
    release_tapes(&dry);
    pdessm_gnn_destroy(&dry.gnn);
    return status;
}

pdessm_status pdessm_graph_trainer_build(pdessm_graph_trainer *m) {
    pdessm_status status = PDESSM_OK;
    const int64_t batch = m->options.batch;
    PDESSM_TRY(pdessm_node_batch_create(m->ctx, m->set, batch, &m->batch));
    PDESSM_TRY(pdessm_node_batch_create_held_out(m->ctx, m->set, &m->held_out));
    PDESSM_TRY(pdessm_pooling_order_create(m->ctx, m->batch->most_nodes, batch > 0 ? batch : 1,
                                           &m->order));
    PDESSM_TRY(count_edges(m));
    PDESSM_TRY(check_memory(m));
    PDESSM_TRY(make_arrays(m));
    PDESSM_TRY(make_optimiser(m));
    PDESSM_TRY(make_tapes(m));
out:
    return status;
}

void pdessm_graph_trainer_release(pdessm_graph_trainer *m) {
    release_tapes(m);
    pdessm_pooling_order_destroy(&m->order);
    pdessm_node_batch_destroy(&m->batch);
    pdessm_node_batch_destroy(&m->held_out);
    pdessm_csr_release(&m->csr);
    free(m->chosen);
    free(m->index);
    free(m->node);
    free(m->label);
    free(m->near);
    free(m->weight);
    free(m->logits);
    pdessm_tensor_destroy(&m->first);
    pdessm_tensor_destroy(&m->second);
    pdessm_tensor_destroy(&m->state);
    pdessm_tensor_destroy(&m->step_loss);
}
