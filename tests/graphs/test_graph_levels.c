/* SPDX-License-Identifier: MIT */
/* test_graph_levels.c: which nodes levels keep, that the signed sum over levels is unbiased, that
 * training learns, and what is said to graphs that are wrong. */
#include "api.h"

#include "core/random.h"
#include "graphs/trainer.h"

static pdessm_node_set *clubs(api *a) {
    pdessm_node_set *set = NULL;
    assert_ok(a, pdessm_node_set_open(a->ctx, "clubs", NULL, &set));
    return set;
}

/* ------------------------------------------------------------------ levels */

enum { MOST = 40 };

static int contains(const int32_t *chosen, int64_t count, int32_t node) {
    for (int64_t i = 0; i < count; i++)
        if (chosen[i] == node)
            return 1;
    return 0;
}

static void levels_lie_in_one_another(void **state) {
    api *a = *state;
    pdessm_node_set *set = clubs(a);
    pdessm_pooling_order *order = NULL;
    assert_ok(a, pdessm_pooling_order_create(a->ctx, set->csr.nodes, 1, &order));
    for (int pooling = 0; pooling < PDESSM_POOLING_COUNT; pooling++)
        for (uint32_t step = 0; step < 20; step++) {
            int32_t finer[MOST], chosen[MOST];
            pdessm_pooling_order_draw(order, &set->csr, (pdessm_pooling)pooling, 1,
                                      &(pdessm_draw){.seed = 1, .step = step});
            int64_t before = pdessm_pooling_order_level(order, 0, finer);
            assert_int_equal(before, 34);
            for (int level = 1; level < 7; level++) {
                int64_t count = pdessm_pooling_order_level(order, level, chosen);
                assert_in_range(count, 1, level < 6 ? 34 >> level : 1);
                if (pooling == PDESSM_POOLING_RANDOM || pooling == PDESSM_POOLING_TOPK)
                    assert_int_equal(count, level < 6 ? 34 >> level : 1);
                for (int64_t i = 0; i < count; i++) {
                    assert_true(i == 0 || chosen[i] > chosen[i - 1]);
                    assert_true(contains(finer, before, chosen[i]));
                }
                memcpy(finer, chosen, sizeof finer);
                before = count;
            }
        }
    pdessm_pooling_order_destroy(&order);
    pdessm_node_set_destroy(&set);
}

/* Every node is as likely as any other: 2000 draws of 17 of 34, each count within 5 deviations,
 * which chance passes by in 34 6e-7. */
static void random_nodes_are_uniform(void **state) {
    api *a = *state;
    enum { DRAWS = 2000 };
    pdessm_node_set *set = clubs(a);
    pdessm_pooling_order *order = NULL;
    int seen[34] = {0};
    assert_ok(a, pdessm_pooling_order_create(a->ctx, set->csr.nodes, 1, &order));
    for (uint32_t step = 0; step < DRAWS; step++) {
        int32_t chosen[MOST];
        pdessm_pooling_order_draw(order, &set->csr, PDESSM_POOLING_RANDOM, 1,
                                  &(pdessm_draw){.seed = 5, .step = step});
        int64_t count = pdessm_pooling_order_level(order, 1, chosen);
        for (int64_t i = 0; i < count; i++)
            seen[chosen[i]]++;
    }
    for (int i = 0; i < 34; i++)
        assert_true(abs(seen[i] - DRAWS / 2) < 5 * sqrt(DRAWS / 4.0));
    pdessm_pooling_order_destroy(&order);
    pdessm_node_set_destroy(&set);
}

static void topk_takes_those_of_most_edges(void **state) {
    api *a = *state;
    pdessm_node_set *set = clubs(a);
    const int32_t *start = set->csr.start;
    pdessm_pooling_order *order = NULL;
    int32_t chosen[MOST];
    assert_ok(a, pdessm_pooling_order_create(a->ctx, set->csr.nodes, 1, &order));
    pdessm_pooling_order_draw(order, &set->csr, PDESSM_POOLING_TOPK, 2, &(pdessm_draw){.seed = 1});
    int64_t count = pdessm_pooling_order_level(order, 2, chosen);
    int least = 99, most = 0;
    for (int i = 0; i < 34; i++) {
        int degree = start[i + 1] - start[i];
        if (contains(chosen, count, i))
            least = degree < least ? degree : least;
        else
            most = degree > most ? degree : most;
    }
    assert_true(least >= most);
    pdessm_pooling_order_destroy(&order);
    pdessm_node_set_destroy(&set);
}

/* On a path, level 3 of a neighbourhood is at most two edges away from its middle. */
static void neighbourhoods_end_where_they_should(void **state) {
    enum { PATH = 200 };
    api *a = *state;
    int32_t ends[PATH - 1][2], chosen[PATH];
    static const int64_t sizes[] = {13, 9, 5};
    pdessm_csr csr = {0};
    pdessm_pooling_order *order = NULL;
    int64_t repeated;
    for (int i = 0; i < PATH - 1; i++) {
        ends[i][0] = i;
        ends[i][1] = i + 1;
    }
    assert_ok(a, pdessm_csr_build(a->ctx, "path", PATH, PATH - 1, (const int32_t(*)[2])ends, &csr,
                                  &repeated));
    assert_ok(a, pdessm_pooling_order_create(a->ctx, csr.nodes, 1, &order));
    for (uint32_t step = 0; step < 10; step++) {
        pdessm_pooling_order_draw(order, &csr, PDESSM_POOLING_SUBGRAPH, 1,
                                  &(pdessm_draw){.seed = 2, .step = step});
        for (int level = 1; level <= 3; level++) {
            int64_t count = pdessm_pooling_order_level(order, level, chosen);
            int at_the_end = chosen[0] == 0 || chosen[count - 1] == PATH - 1;
            assert_true(count == sizes[level - 1] || (at_the_end && count < sizes[level - 1]));
            assert_int_equal(chosen[count - 1] - chosen[0], count - 1);
        }
    }
    pdessm_pooling_order_destroy(&order);
    pdessm_csr_release(&csr);
}

/* ------------------------------------------------------------------ the estimator */

static pdessm_gnn *small_network(api *a, const pdessm_node_set *set, double dropout) {
    const pdessm_node_set_info info = pdessm_node_set_get_info(set);
    pdessm_gnn_config config = pdessm_gnn_defaults(PDESSM_GNN_GCN, info.features, info.classes);
    pdessm_gnn *gnn = NULL;
    config.layers = 2;
    config.width = 8;
    config.dropout = dropout;
    assert_ok(a, pdessm_gnn_create(a->device, &config, 1, &gnn));
    return gnn;
}

/* The gradient's product with a fixed random direction. */
static double slope(api *a, pdessm_graph_trainer *m, int level) {
    int64_t n = pdessm_tensor_count(pdessm_gnn_gradients(m->gnn));
    float *gradient = malloc((size_t)n * sizeof *gradient);
    double sum = 0;
    assert_ok(a, pdessm_tensor_zero(pdessm_gnn_gradients(m->gnn)));
    assert_ok(a, pdessm_graph_trainer_gradient(m, level));
    assert_ok(a, pdessm_tensor_read(pdessm_gnn_gradients(m->gnn), gradient));
    for (int64_t i = 0; i < n; i++)
        sum += (double)gradient[i] * pdessm_normal(2, PDESSM_RANDOM_CHECK, 0, 0, i);
    free(gradient);
    return sum;
}

/* Steps on the toy graph, without dropout. */
typedef struct estimator {
    pdessm_node_set *set;
    pdessm_gnn *gnn;
    pdessm_graph_trainer m;
} estimator;

static void begin_steps(api *a, pdessm_graph_train_options options, estimator *e) {
    e->set = clubs(a);
    e->gnn = small_network(a, e->set, 0);
    options.seed = 4;
    e->m = (pdessm_graph_trainer){
        .device = a->device, .ctx = a->ctx, .gnn = e->gnn, .set = e->set, .options = options};
    assert_ok(a, pdessm_graph_trainer_build(&e->m));
}

static void end_steps(estimator *e) {
    pdessm_graph_trainer_release(&e->m);
    pdessm_gnn_destroy(&e->gnn);
    pdessm_node_set_destroy(&e->set);
}

/* How many of its own deviations the mean of `steps` slopes is away from the slope of L_0. */
static double deviations(api *a, pdessm_graph_train_method method, int power, int level,
                         double exact) {
    enum { STEPS = 300 };
    pdessm_graph_train_options options = pdessm_graph_train_defaults();
    estimator e;
    double sum = 0, squares = 0;
    options.method = method;
    options.levels = 3;
    options.power = power;
    begin_steps(a, options, &e);
    for (e.m.step = 0; e.m.step < STEPS; e.m.step++) {
        double s = slope(a, &e.m, level) - exact;
        sum += s;
        squares += s * s;
    }
    double mean = sum / STEPS, variance = (squares - STEPS * mean * mean) / (STEPS - 1);
    end_steps(&e);
    assert_true(variance > 0);
    return fabs(mean) / sqrt(variance / STEPS);
}

static double exact_slope(api *a) {
    estimator e;
    begin_steps(a, pdessm_graph_train_defaults(), &e);
    double exact = slope(a, &e.m, 0);
    end_steps(&e);
    return exact;
}

/* By chance each of the first two fails in 6e-7. Gradients of a coarse level alone are biased, and
 * are seen to be. */
static void the_signed_sum_is_unbiased(void **state) {
    api *a = *state;
    const double exact = exact_slope(a);
    assert_true(deviations(a, PDESSM_MGE, 1, 0, exact) < 5);
    assert_true(deviations(a, PDESSM_MGE, 2, 0, exact) < 5);
    assert_true(deviations(a, PDESSM_COARSE_TO_FINE, 1, 2, exact) > 5);
}

/* ------------------------------------------------------------------ training */

static pdessm_graph_train_options short_training(pdessm_graph_train_method method, uint64_t seed) {
    pdessm_graph_train_options o = pdessm_graph_train_defaults();
    o.method = method;
    o.levels = method == PDESSM_SINGLE ? 1 : 3;
    o.epochs = 40;
    o.rate = 0.01;
    o.seed = seed;
    return o;
}

static pdessm_graph_train_result train_as(api *a, const pdessm_graph_train_options *o) {
    pdessm_node_set *set = clubs(a);
    pdessm_gnn *gnn = small_network(a, set, 0.3);
    pdessm_graph_train_result r;
    assert_ok(a, pdessm_graph_train(gnn, set, o, &r));
    pdessm_gnn_destroy(&gnn);
    pdessm_node_set_destroy(&set);
    return r;
}

static pdessm_graph_train_result train(api *a, pdessm_graph_train_method method, uint64_t seed) {
    const pdessm_graph_train_options o = short_training(method, seed);
    return train_as(a, &o);
}

static void methods_learn(void **state) {
    api *a = *state;
    for (int method = 0; method < PDESSM_GRAPH_TRAIN_COUNT; method++) {
        pdessm_graph_train_options o = short_training((pdessm_graph_train_method)method, 1);
        o.pooling = PDESSM_POOLING_RNS;
        pdessm_graph_train_result r = train_as(a, &o);
        assert_true(r.validation_accuracy >= 0.75);
        assert_true(r.test_accuracy >= 0.7);
        assert_in_range(r.best_epoch, 1, r.epochs);
    }
}

/* Work in units of the whole graph, as the schedule says: of the nodes, 40 (1 + 2 / 2 + 4 8 / 34).
 */
static void work_is_counted(void **state) {
    api *a = *state;
    pdessm_graph_train_result r = train(a, PDESSM_SINGLE, 1);
    assert_int_equal(r.epochs, 40);
    assert_int_equal(r.evaluations, 4);
    assert_true(fabs(r.node_work - 40) < 1e-9 && fabs(r.edge_work - 40) < 1e-9);
    r = train(a, PDESSM_COARSE_TO_FINE, 1);
    assert_int_equal(r.epochs, 280);
    assert_true(fabs(r.node_work - 40 * (1 + 1 + 4 * 8.0 / 34)) < 1e-9);
    assert_true(r.edge_work > 40 && r.edge_work < r.node_work);
    r = train(a, PDESSM_MGE, 1);
    assert_true(fabs(r.node_work - 40 * (1.5 + 2 * (0.5 + 8.0 / 34) + 4 * 8.0 / 34)) < 1e-9);
}

static void a_seed_decides_everything(void **state) {
    api *a = *state;
    pdessm_graph_train_result one = train(a, PDESSM_COARSE_TO_FINE, 1);
    pdessm_graph_train_result same = train(a, PDESSM_COARSE_TO_FINE, 1);
    pdessm_graph_train_result other = train(a, PDESSM_COARSE_TO_FINE, 2);
    assert_memory_equal(&one, &same, sizeof one);
    assert_true(one.edge_work != other.edge_work);
}

/* The same nodes with more edges; parts of batches too. */
static void coarser_levels_may_join_farther_nodes(void **state) {
    api *a = *state;
    pdessm_graph_train_options o = short_training(PDESSM_COARSE_TO_FINE, 1);
    const pdessm_graph_train_result near = train_as(a, &o);
    o.power = 2;
    const pdessm_graph_train_result far = train_as(a, &o);
    assert_true(far.node_work == near.node_work);
    assert_true(far.edge_work > 1.2 * near.edge_work);
    o.batch = 4;
    const pdessm_graph_train_result batches = train_as(a, &o);
    assert_true(batches.validation_accuracy >= 0.75);
}

/* ------------------------------------------------------------------ wrong graphs */

static void wrong_graphs_are_refused(void **state) {
    api *a = *state;
    int32_t ends[2][2] = {{0, 1}, {1, 2}}, label[] = {0, 1, 1};
    float feature[] = {1, 2, 3};
    uint8_t split[] = {PDESSM_NODES_TRAIN, PDESSM_NODES_VALIDATION, PDESSM_NODES_TEST};
    pdessm_node_arrays g = {.nodes = 3,
                            .edges = 2,
                            .features = 1,
                            .classes = 2,
                            .ends = (const int32_t(*)[2])ends,
                            .feature = feature,
                            .label = label,
                            .split = split};
    pdessm_node_set *set = NULL;
#define assert_says(text)                                                                          \
    assert_refused(a, pdessm_node_set_create(a->ctx, "g", &g, &set), PDESSM_ERROR_FILE, text)
    ends[1][1] = 3;
    assert_says("g: edge 1 names node 3, expected 0 to 2");
    ends[1][1] = 2;
    label[2] = 2;
    assert_says("g: node 2 has label 2, expected 0 to 1");
    label[2] = -1;
    assert_says("g: node 2 is to be trained on or tested, but its label is not known");
    split[2] = PDESSM_NODES_UNUSED;
    assert_says("g: 1 training, 1 validation and 0 test nodes");
    split[2] = PDESSM_NODES_SPLITS;
    assert_says("g: node 2 is of part 4");
    split[2] = PDESSM_NODES_TEST;
    label[2] = 1;
    feature[1] = NAN;
    assert_says("g: feature 0 of node 1 is not finite");
    feature[1] = 2;
    g.features = 0;
    assert_says("expected at least one each");
    g.features = 1;
    assert_ok(a, pdessm_node_set_create(a->ctx, "g", &g, &set));
    pdessm_node_set_destroy(&set);
    assert_refused(a, pdessm_node_set_open(a->ctx, "nothing", NULL, &set), PDESSM_ERROR_FILE,
                   "clubs");
}

static void wrong_options_are_refused(void **state) {
    api *a = *state;
    pdessm_node_set *set = clubs(a);
    pdessm_gnn *gnn = small_network(a, set, 0);
    pdessm_graph_train_options o = pdessm_graph_train_defaults();
    pdessm_graph_train_result r;
    o.levels = 2;
    assert_refused(a, pdessm_graph_train(gnn, set, &o, &r), PDESSM_ERROR_ARGUMENT,
                   "method single has one level");
    o.levels = 1;
    o.rate = 0;
    assert_refused(a, pdessm_graph_train(gnn, set, &o, &r), PDESSM_ERROR_ARGUMENT, "learning rate");
    o.rate = 1;
    o.power = 0;
    assert_refused(a, pdessm_graph_train(gnn, set, &o, &r), PDESSM_ERROR_ARGUMENT, "power 0");
    pdessm_gnn_destroy(&gnn);
    pdessm_node_set_destroy(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(levels_lie_in_one_another),
        api_test(random_nodes_are_uniform),
        api_test(topk_takes_those_of_most_edges),
        api_test(neighbourhoods_end_where_they_should),
        api_test(the_signed_sum_is_unbiased),
        api_test(methods_learn),
        api_test(work_is_counted),
        api_test(a_seed_decides_everything),
        api_test(coarser_levels_may_join_farther_nodes),
        api_test(wrong_graphs_are_refused),
        api_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests_name("multiscale", tests, NULL, NULL);
}
