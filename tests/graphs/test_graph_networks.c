/* SPDX-License-Identifier: MIT */
/* test_graph_networks.c: graph networks against the same written out in float64 with full matrices:
 * logits, and gradients by differences of that loss. */
#include <pdessm/gnn.h>

#include "api.h"

#include "core/random.h"
#include "graphs/csr.h"

enum { NODES = 12, FEATURES = 5, WIDTH = 6, HEADS = 2, CLASSES = 3, LAYERS = 2, ALIGNED = 16 };

typedef struct net {
    pdessm_gnn *gnn;
    pdessm_tape *tape;
    pdessm_csr csr;
    pdessm_gnn_input in;
    pdessm_tensor *labels, *logits, *loss;
    double a[NODES][NODES], x[NODES][FEATURES]; /* what the products are with */
    int32_t label[NODES];
} net;

static double degree(const net *n, int i) {
    return n->csr.start[i + 1] - n->csr.start[i];
}

static void make_graph(api *a, net *n, pdessm_gnn_kind kind) {
    int32_t ends[20][2];
    int64_t repeated;
    float weight[NODES * NODES];
    for (int k = 0; k < 20; k++)
        for (int side = 0; side < 2; side++)
            ends[k][side] =
                (int32_t)pdessm_below(1, PDESSM_RANDOM_CHECK, 2, 0, 2 * k + side, NODES - 1);
    assert_ok(a, pdessm_csr_build(a->ctx, "drawn", NODES, 20, ends, &n->csr, &repeated));
    for (int i = 0; i < NODES; i++)
        for (int32_t e = n->csr.start[i]; e < n->csr.start[i + 1]; e++) {
            int j = n->csr.column[e];
            weight[e] = (float)(1 / sqrt(degree(n, i) * degree(n, j)));
            n->a[i][j] = kind == PDESSM_GNN_GCN ? (double)weight[e] : 1;
        }
    pdessm_gnn_input *in = &n->in;
    const int64_t edges = n->csr.edges, rows = NODES + 1, nodes = NODES;
    in->pattern.start = pdessm_tape_input(n->tape, PDESSM_INT32, 1, &rows);
    in->pattern.column = pdessm_tape_input(n->tape, PDESSM_INT32, 1, &edges);
    in->pattern.reverse = pdessm_tape_input(n->tape, PDESSM_INT32, 1, &edges);
    in->weight = pdessm_tape_input(n->tape, PDESSM_FLOAT32, 1, &edges);
    in->x = pdessm_tape_input(n->tape, PDESSM_FLOAT32, 2, (int64_t[]){NODES, FEATURES});
    n->labels = pdessm_tape_input(n->tape, PDESSM_INT32, 1, &nodes);
    n->logits = pdessm_tape_output(n->tape, pdessm_gnn_logits(n->gnn, n->tape, in, 0));
    n->loss = pdessm_cross_entropy(n->tape, n->logits, n->labels, 0);
    assert_ok(a, pdessm_tape_plan(n->tape, n->loss));
    assert_ok(a, pdessm_tensor_write(in->pattern.start, n->csr.start));
    assert_ok(a, pdessm_tensor_write(in->pattern.column, n->csr.column));
    assert_ok(a, pdessm_tensor_write(in->pattern.reverse, n->csr.reverse));
    if (kind == PDESSM_GNN_GCN)
        assert_ok(a, pdessm_tensor_write(in->weight, weight));
}

static void fill(api *a, net *n) {
    float x[NODES * FEATURES];
    for (int i = 0; i < NODES * FEATURES; i++) {
        x[i] = (float)pdessm_normal(4, PDESSM_RANDOM_CHECK, 0, 0, i);
        n->x[i / FEATURES][i % FEATURES] = (double)x[i];
    }
    for (int i = 0; i < NODES; i++)
        n->label[i] = i % (CLASSES + 1) - 1; /* every fourth is not counted */
    assert_ok(a, pdessm_tensor_write(n->in.x, x));
    assert_ok(a, pdessm_tensor_write(n->labels, n->label));
}

static net make(api *a, pdessm_gnn_kind kind) {
    net n = {0};
    pdessm_gnn_config config = pdessm_gnn_defaults(kind, FEATURES, CLASSES);
    config.width = WIDTH;
    config.layers = LAYERS;
    assert_ok(a, pdessm_gnn_create(a->device, &config, 3, &n.gnn));
    assert_ok(a, pdessm_tape_create(a->device, &n.tape));
    make_graph(a, &n, kind);
    fill(a, &n);
    return n;
}

static void end(net *n) {
    pdessm_tape_destroy(&n->tape);
    pdessm_gnn_destroy(&n->gnn);
    pdessm_csr_release(&n->csr);
}

/* ------------------------------------------------------------------ the same in float64 */

enum { MOST = 8 };
typedef double rows[NODES][MOST];

static void aggregate(const net *n, int width, rows h) {
    rows y = {{0}};
    for (int i = 0; i < NODES; i++)
        for (int j = 0; j < NODES; j++)
            for (int c = 0; c < width; c++)
                y[i][c] += n->a[i][j] * h[j][c];
    memcpy(h, y, sizeof y);
}

/* h <- h W^T, W [out, in] at *at of the flat weights, behind which *at moves. */
static void multiply(const double *values, int *at, int in, int out, rows h) {
    rows y = {{0}};
    for (int i = 0; i < NODES; i++)
        for (int o = 0; o < out; o++)
            for (int c = 0; c < in; c++)
                y[i][o] += values[*at + o * in + c] * h[i][c];
    memcpy(h, y, sizeof y);
    *at += (out * in + ALIGNED - 1) / ALIGNED * ALIGNED;
}

static void normalise_relu(const double *values, int *at, rows h) {
    for (int c = 0; c < WIDTH; c++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < NODES; i++)
            mean += h[i][c] / NODES;
        for (int i = 0; i < NODES; i++)
            variance += (h[i][c] - mean) * (h[i][c] - mean) / NODES;
        for (int i = 0; i < NODES; i++)
            h[i][c] = fmax(0, values[*at + c] * (h[i][c] - mean) / sqrt(variance + 1e-5) +
                                  values[*at + ALIGNED + c]);
    }
    *at += 2 * ALIGNED;
}

/* h <- S h with the shares S that the scores of each head give; a and b at *at. */
static void attend(const net *n, const double *values, int *at, rows h) {
    enum { BLOCK = WIDTH / HEADS };
    const double *left = values + *at, *right = left + ALIGNED;
    rows y = {{0}};
    for (int head = 0; head < HEADS; head++)
        for (int i = 0; i < NODES; i++) {
            double share[NODES] = {0}, sum = 0;
            for (int j = 0; j < NODES; j++) {
                double z = 0;
                for (int d = 0; d < BLOCK; d++)
                    z += left[head * BLOCK + d] * h[i][head * BLOCK + d] +
                         right[head * BLOCK + d] * h[j][head * BLOCK + d];
                share[j] = n->a[i][j] != 0 ? exp(z > 0 ? z : 0.2 * z) : 0;
                sum += share[j];
            }
            for (int j = 0; j < NODES; j++)
                for (int d = 0; d < BLOCK; d++)
                    y[i][head * BLOCK + d] += share[j] / sum * h[j][head * BLOCK + d];
        }
    memcpy(h, y, sizeof y);
    *at += 2 * ALIGNED;
}

static double loss_of(const net *n, pdessm_gnn_kind kind, const double *values, rows h) {
    int at = 0, width = FEATURES, counted = 0;
    double loss = 0;
    memset(h, 0, sizeof(rows));
    for (int i = 0; i < NODES; i++)
        memcpy(h[i], n->x[i], sizeof n->x[i]);
    for (int layer = 0; layer < LAYERS; layer++, width = WIDTH) {
        if (kind != PDESSM_GNN_GAT)
            aggregate(n, width, h);
        multiply(values, &at, width, WIDTH, h);
        if (kind == PDESSM_GNN_GAT)
            attend(n, values, &at, h);
        normalise_relu(values, &at, h);
        if (kind == PDESSM_GNN_GIN) {
            multiply(values, &at, WIDTH, WIDTH, h);
            normalise_relu(values, &at, h);
        }
    }
    multiply(values, &at, WIDTH, CLASSES, h);
    for (int i = 0; i < NODES; i++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++)
            sum += exp(h[i][c] += values[at + c]);
        if (n->label[i] >= 0)
            loss += log(sum) - h[i][n->label[i]];
        counted += n->label[i] >= 0;
    }
    return loss / counted;
}

static void the_network_is_what_the_formula_says(api *a, pdessm_gnn_kind kind) {
    net n = make(a, kind);
    rows expected;
    float logits[NODES * CLASSES], loss;
    const int64_t count = pdessm_tensor_count(pdessm_gnn_values(n.gnn));
    float *values = calloc((size_t)count, sizeof *values);
    float *gradients = calloc((size_t)count, sizeof *gradients);
    double *exact = calloc((size_t)count, sizeof *exact);
    rows unused;
    assert_ok(a, pdessm_tensor_read(pdessm_gnn_values(n.gnn), values));
    for (int64_t i = 0; i < count; i++) { /* away from scale 1 and shift 0 */
        values[i] += 0.2f * (float)pdessm_normal(9, PDESSM_RANDOM_CHECK, 0, 0, i);
        exact[i] = (double)values[i];
    }
    assert_ok(a, pdessm_tensor_write(pdessm_gnn_values(n.gnn), values));
    assert_ok(a, pdessm_tensor_zero(pdessm_gnn_gradients(n.gnn)));
    assert_ok(a, pdessm_tape_forward(n.tape));
    assert_ok(a, pdessm_tape_backward(n.tape));
    assert_ok(a, pdessm_tensor_read(n.logits, logits));
    assert_ok(a, pdessm_tensor_read(n.loss, &loss));
    assert_ok(a, pdessm_tensor_read(pdessm_gnn_gradients(n.gnn), gradients));
    assert_true(fabs(loss_of(&n, kind, exact, expected) - (double)loss) < 2e-5);
    for (int i = 0; i < NODES * CLASSES; i++)
        assert_true(fabs(expected[i / CLASSES][i % CLASSES] - (double)logits[i]) < 1e-4);
    double largest = 0;
    for (int64_t i = 0; i < count; i++) {
        const double h = 1e-6, at = exact[i];
        exact[i] = at + h;
        double slope = loss_of(&n, kind, exact, unused);
        exact[i] = at - h;
        slope = (slope - loss_of(&n, kind, exact, unused)) / (2 * h);
        exact[i] = at;
        largest = fmax(largest, fabs(slope));
        if (!(fabs(slope - (double)gradients[i]) < 1e-4))
            fail_msg("gradient %lld is %g, expected %g", (long long)i, (double)gradients[i], slope);
    }
    assert_true(largest > 0.01);
    free(values);
    free(gradients);
    free(exact);
    end(&n);
}

static void gcn_is_what_the_formula_says(void **state) {
    the_network_is_what_the_formula_says(*state, PDESSM_GNN_GCN);
}

static void gin_is_what_the_formula_says(void **state) {
    the_network_is_what_the_formula_says(*state, PDESSM_GNN_GIN);
}

static void gat_is_what_the_formula_says(void **state) {
    the_network_is_what_the_formula_says(*state, PDESSM_GNN_GAT);
}

static void the_papers_sizes(void **state) {
    api *a = *state;
    static const int64_t parameters[] = {
        /* matrices, (a and b,) norms, the classifier: 4 layers; 3 of two matrices; 3 */
        100 * 192 + 3 * 192 * 192 + 4 * 2 * 192 + 192 * 7 + 7,
        100 * 256 + 5 * 256 * 256 + 6 * 2 * 256 + 256 * 7 + 7,
        100 * 64 + 2 * 64 * 64 + 3 * 2 * 64 + 3 * 2 * 64 + 64 * 7 + 7};
    for (int kind = 0; kind < PDESSM_GNN_COUNT; kind++) {
        pdessm_gnn *gnn = NULL;
        pdessm_gnn_config config = pdessm_gnn_defaults((pdessm_gnn_kind)kind, 100, 7);
        assert_ok(a, pdessm_gnn_create(a->device, &config, 0, &gnn));
        assert_int_equal(pdessm_gnn_parameter_count(gnn), parameters[kind]);
        pdessm_gnn_destroy(&gnn);
    }
    pdessm_gnn_kind kind;
    assert_refused(a, pdessm_gnn_find(a->ctx, "mlp", &kind), PDESSM_ERROR_ARGUMENT,
                   "gcn, gin or gat");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(gcn_is_what_the_formula_says),
        api_test(gin_is_what_the_formula_says),
        api_test(gat_is_what_the_formula_says),
        api_test(the_papers_sizes),
    };
    return cmocka_run_group_tests_name("gnn", tests, NULL, NULL);
}
