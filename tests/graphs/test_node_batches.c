/* SPDX-License-Identifier: MIT */
/* test_node_batches.c: what batches are made of, and that the signed sum over levels of batches of
 * graphs is what batches alone give in the mean. */
#include "api.h"

#include "core/random.h"
#include "graphs/trainer.h"

enum { GRAPHS = 10, SIZE = 6, NODES = GRAPHS * SIZE, BATCH = 3 };

/* Rings of six nodes with a chord; the last two graphs are to look at, the others to train on but
 * for their first nodes. */
static pdessm_node_set *rings(api *a) {
    int32_t ends[NODES + GRAPHS][2], label[NODES], first[GRAPHS + 1];
    float feature[2 * NODES];
    uint8_t split[NODES];
    for (int32_t i = 0; i < NODES; i++) {
        const int32_t g = i / SIZE, next = g * SIZE + (i + 1) % SIZE;
        ends[i][0] = i;
        ends[i][1] = next;
        label[i] = (g + i) % 2;
        split[i] = g == GRAPHS - 1   ? PDESSM_NODES_TEST
                   : g == GRAPHS - 2 ? PDESSM_NODES_VALIDATION
                   : i % SIZE == 0   ? PDESSM_NODES_UNUSED
                                     : PDESSM_NODES_TRAIN;
        for (int k = 0; k < 2; k++)
            feature[2 * i + k] = (float)pdessm_normal(6, PDESSM_RANDOM_CHECK, 0, 0, 2 * i + k) +
                                 (float)(k * label[i]);
    }
    for (int32_t g = 0; g <= GRAPHS; g++)
        first[g] = g * SIZE;
    for (int32_t g = 0; g < GRAPHS; g++) {
        ends[NODES + g][0] = g * SIZE;
        ends[NODES + g][1] = g * SIZE + 2 + g % 3;
    }
    const pdessm_node_arrays arrays = {.nodes = NODES,
                                       .edges = NODES + GRAPHS,
                                       .features = 2,
                                       .classes = 2,
                                       .ends = (const int32_t(*)[2])ends,
                                       .feature = feature,
                                       .label = label,
                                       .split = split,
                                       .graphs = GRAPHS,
                                       .first = first};
    pdessm_node_set *set = NULL;
    assert_ok(a, pdessm_node_set_create(a->ctx, "rings", &arrays, &set));
    return set;
}

/* The edges of the field are all edges of the set between its nodes. */
static void expect_induced(const pdessm_node_batch *f) {
    const pdessm_csr *all = &f->set->csr, *csr = f->csr;
    for (int64_t r = 0; r < csr->nodes; r++) {
        int32_t e = csr->start[r];
        assert_true(r == 0 || f->node[r] > f->node[r - 1]);
        for (int32_t k = all->start[f->node[r]]; k < all->start[f->node[r] + 1]; k++)
            for (int64_t c = 0; c < csr->nodes; c++)
                if (f->node[c] == all->column[k])
                    assert_int_equal(csr->column[e++], c);
        assert_int_equal(e, csr->start[r + 1]);
    }
}

/* Each graph is drawn as often as any other: 2000 draws of 3 of 8, each count within 5 deviations,
 * which chance passes by in 8 6e-7. */
static void batches_of_graphs(void **state) {
    enum { DRAWS = 2000, UNITS = GRAPHS - 2 };
    api *a = *state;
    pdessm_node_set *set = rings(a);
    pdessm_node_batch *f = NULL;
    int seen[GRAPHS] = {0};
    assert_ok(a, pdessm_node_batch_create(a->ctx, set, BATCH, &f));
    assert_int_equal(f->units, UNITS);
    assert_int_equal(f->most_nodes, BATCH * SIZE);
    for (uint32_t step = 0; step < DRAWS; step++) {
        pdessm_node_batch_draw(f, &(pdessm_draw){.seed = 3, .step = step});
        assert_int_equal(f->csr->nodes, BATCH * SIZE);
        for (int64_t r = 0; r < f->csr->nodes; r++) {
            const int32_t i = f->node[r];
            assert_int_equal(f->label[r], i % SIZE == 0 ? -1 : set->label[i]);
            seen[i / SIZE] += i % SIZE == 0;
        }
        if (step < 20)
            expect_induced(f);
    }
    for (int g = 0; g < UNITS; g++)
        assert_true(fabs(seen[g] - DRAWS * 3.0 / 8) < 5 * sqrt(DRAWS * 3.0 / 8 * 5 / 8));
    assert_int_equal(seen[8] + seen[9], 0);
    pdessm_node_batch_destroy(&f);
    assert_refused(a, pdessm_node_batch_create(a->ctx, set, 9, &f), PDESSM_ERROR_ARGUMENT,
                   "8 training graphs");
    pdessm_node_set_destroy(&set);
}

static int has(const pdessm_node_batch *f, int32_t node) {
    for (int64_t r = 0; r < f->csr->nodes; r++)
        if (f->node[r] == node)
            return 1;
    return 0;
}

/* Is there a path of at most two edges of the set from node to one that counts? */
static int is_near(const pdessm_node_batch *f, int32_t node, int hops) {
    const pdessm_csr *csr = &f->set->csr;
    for (int64_t r = 0; r < f->csr->nodes; r++)
        if (f->node[r] == node && f->label[r] >= 0)
            return 1;
    for (int32_t e = csr->start[node]; hops > 0 && e < csr->start[node + 1]; e++)
        if (has(f, csr->column[e]) && is_near(f, csr->column[e], hops - 1))
            return 1;
    return 0;
}

static void batches_of_nodes(void **state) {
    api *a = *state;
    pdessm_node_set *set = NULL;
    pdessm_node_batch *f = NULL, *again = NULL;
    assert_ok(a, pdessm_node_set_open(a->ctx, "clubs", NULL, &set));
    assert_ok(a, pdessm_node_batch_create(a->ctx, set, 2, &f));
    assert_ok(a, pdessm_node_batch_create(a->ctx, set, 2, &again));
    assert_int_equal(f->units, 12);
    for (uint32_t step = 0; step < 50; step++) {
        int counted = 0;
        pdessm_node_batch_draw(f, &(pdessm_draw){.seed = 3, .step = step});
        assert_in_range(f->csr->nodes, 2, f->most_nodes);
        expect_induced(f);
        for (int64_t r = 0; r < f->csr->nodes; r++) {
            assert_true(is_near(f, f->node[r], PDESSM_NODE_BATCH_HOPS));
            assert_true(f->label[r] < 0 || (f->label[r] == set->label[f->node[r]] &&
                                            set->split[f->node[r]] == PDESSM_NODES_TRAIN));
            counted += f->label[r] >= 0;
        }
        assert_int_equal(counted, 2);
    }
    /* A draw does not depend on those before it but for the order of units, which it undoes not:
     * the same draws in the same order give the same fields. */
    for (uint32_t step = 0; step < 50; step++)
        pdessm_node_batch_draw(again, &(pdessm_draw){.seed = 3, .step = step});
    assert_int_equal(again->csr->nodes, f->csr->nodes);
    assert_memory_equal(again->node, f->node, (size_t)f->csr->nodes * sizeof *f->node);
    pdessm_node_batch_destroy(&f);
    pdessm_node_batch_destroy(&again);
    pdessm_node_set_destroy(&set);
}

static void what_is_held_out(void **state) {
    api *a = *state;
    pdessm_node_set *set = rings(a), *clubs = NULL;
    pdessm_node_batch *f = NULL;
    assert_ok(a, pdessm_node_batch_create_held_out(a->ctx, set, &f));
    assert_false(pdessm_node_batch_is_whole(f));
    assert_int_equal(f->csr->nodes, 2 * SIZE);
    assert_int_equal(f->node[0], (GRAPHS - 2) * SIZE);
    expect_induced(f);
    pdessm_node_batch_destroy(&f);
    assert_ok(a, pdessm_node_set_open(a->ctx, "clubs", NULL, &clubs));
    assert_ok(a, pdessm_node_batch_create_held_out(a->ctx, clubs, &f));
    assert_true(pdessm_node_batch_is_whole(f));
    pdessm_node_batch_destroy(&f);
    pdessm_node_set_destroy(&set);
    pdessm_node_set_destroy(&clubs);
}

/* ------------------------------------------------------------------ the estimator */

typedef struct moments {
    double mean, variance; /* variance: of the mean */
} moments;

/* Of the product of the gradient with a fixed direction, over steps. */
static moments slopes(api *a, const pdessm_node_set *set, pdessm_graph_train_method method,
                      int level) {
    enum { STEPS = 400 };
    pdessm_gnn_config config = pdessm_gnn_defaults(PDESSM_GNN_GCN, 2, 2);
    pdessm_gnn *gnn = NULL;
    double sum = 0, squares = 0;
    config.layers = 2;
    config.width = 8;
    config.dropout = 0;
    assert_ok(a, pdessm_gnn_create(a->device, &config, 1, &gnn));
    pdessm_graph_trainer m = {.device = a->device,
                              .ctx = a->ctx,
                              .gnn = gnn,
                              .set = set,
                              .options = pdessm_graph_train_defaults()};
    m.options.method = method;
    m.options.levels = method == PDESSM_SINGLE ? 1 : 2;
    m.options.batch = BATCH;
    m.options.seed = (uint64_t)method;
    assert_ok(a, pdessm_graph_trainer_build(&m));
    const int64_t n = pdessm_tensor_count(pdessm_gnn_gradients(gnn));
    float *gradient = malloc((size_t)n * sizeof *gradient);
    for (m.step = 0; m.step < STEPS; m.step++) {
        double slope = 0;
        assert_ok(a, pdessm_tensor_zero(pdessm_gnn_gradients(gnn)));
        assert_ok(a, pdessm_graph_trainer_gradient(&m, level));
        assert_ok(a, pdessm_tensor_read(pdessm_gnn_gradients(gnn), gradient));
        for (int64_t i = 0; i < n; i++)
            slope += (double)gradient[i] * pdessm_normal(2, PDESSM_RANDOM_CHECK, 0, 0, i);
        sum += slope;
        squares += slope * slope;
    }
    free(gradient);
    pdessm_graph_trainer_release(&m);
    pdessm_gnn_destroy(&gnn);
    const double mean = sum / STEPS;
    return (moments){mean, (squares / STEPS - mean * mean) / (STEPS - 1)};
}

static double deviations(moments a, moments b) {
    assert_true(a.variance > 0 && b.variance > 0);
    return fabs(a.mean - b.mean) / sqrt(a.variance + b.variance);
}

/* By chance the first fails in 6e-7. Level 1 alone is biased, and is seen to be. */
static void batches_over_levels_are_unbiased(void **state) {
    api *a = *state;
    pdessm_node_set *set = rings(a);
    const moments batches = slopes(a, set, PDESSM_SINGLE, 0);
    assert_true(deviations(slopes(a, set, PDESSM_MGE, 0), batches) < 5);
    assert_true(deviations(slopes(a, set, PDESSM_COARSE_TO_FINE, 1), batches) > 5);
    pdessm_node_set_destroy(&set);
}

static void too_large_a_graph_is_refused(void **state) {
    api *a = *state;
    pdessm_node_set *set = rings(a);
    pdessm_gnn_config config = pdessm_gnn_defaults(PDESSM_GNN_GCN, 2, 2);
    pdessm_gnn *gnn = NULL;
    pdessm_graph_train_options o = pdessm_graph_train_defaults();
    pdessm_graph_train_result r;
    assert_ok(a, pdessm_gnn_create(a->device, &config, 1, &gnn));
    o.epochs = 1;
    o.max_bytes = 100000;
    assert_refused(a, pdessm_graph_train(gnn, set, &o, &r), PDESSM_ERROR_MEMORY, "--batch");
    o.max_bytes = 1 << 28;
    assert_ok(a, pdessm_graph_train(gnn, set, &o, &r));
    pdessm_gnn_destroy(&gnn);
    pdessm_node_set_destroy(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(batches_of_graphs),
        api_test(batches_of_nodes),
        api_test(what_is_held_out),
        api_test(batches_over_levels_are_unbiased),
        api_test(too_large_a_graph_is_refused),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
