/* SPDX-License-Identifier: MIT */
/* gnn.c: graph networks, their weights in one array. */
#include "graphs/gnn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "core/random.h"
#include "device/device.h"

/* A matrix and the norm behind it, or (the last one) the classifier and its bias. */
typedef struct unit {
    pdessm_tensor weight, dweight;            /* [out, in] */
    pdessm_tensor scale, dscale;              /* [out]; not of the classifier */
    pdessm_tensor shift, dshift;              /* [out] */
    pdessm_tensor left, dleft, right, dright; /* [heads, out / heads]: a and b of gat */
} unit;

struct pdessm_gnn {
    pdessm_device *device;
    pdessm_gnn_config config;
    pdessm_tensor *values, *gradients; /* flat */
    pdessm_tensor *moving;             /* [2, width]: what batch_norm would keep, if asked to */
    int64_t parameters;
    int units; /* without the classifier, which is unit[units] */
    unit *unit;
};

enum { ALIGN = 16 }; /* floats: every weight begins at a cache line */

/* ------------------------------------------------------------------ kinds */

PDESSM_DEFINE_NAMES(pdessm_gnn, pdessm_gnn_kind, PDESSM_GNNS, "network")

pdessm_gnn_config pdessm_gnn_defaults(pdessm_gnn_kind kind, int64_t features, int64_t classes) {
    static const int64_t layers[PDESSM_GNN_COUNT] = {4, 3, 3}, widths[] = {192, 256, 64};
    return (pdessm_gnn_config){.kind = kind,
                               .layers = layers[kind],
                               .width = widths[kind],
                               .heads = kind == PDESSM_GNN_GAT ? 2 : 1,
                               .features = features,
                               .classes = classes,
                               .dropout = 0.3};
}

static int units_of_layer(const pdessm_gnn_config *c) {
    return c->kind == PDESSM_GNN_GIN ? 2 : 1;
}

/* ------------------------------------------------------------------ weights */

static void unit_extents(const pdessm_gnn *n, int i, int64_t ret[2]) {
    ret[0] = i == n->units ? n->config.classes : n->config.width;
    ret[1] = i == 0 ? n->config.features : n->config.width;
}

static int64_t aligned(int64_t count) {
    return (count + ALIGN - 1) / ALIGN * ALIGN;
}

/* A part of a flat array from element *at on, which moves behind it. */
static pdessm_tensor part(const pdessm_tensor *flat, int64_t at, int rank, const int64_t *dims) {
    pdessm_tensor t = *flat;
    t.owns_storage = t.whole = 0;
    t.offset += (size_t)at * sizeof(float);
    t.rank = rank;
    memcpy(t.dims, dims, sizeof *dims * (size_t)rank);
    return t;
}

/* Where the next weight goes. */
typedef struct placing {
    pdessm_gnn *n;
    uint64_t seed;
    int unit;
    int64_t at;
    float *values; /* NULL: only counts */
} placing;

static void place(placing *p, int rank, const int64_t *d, pdessm_tensor *value,
                  pdessm_tensor *gradient) {
    int64_t count = d[0] * (rank > 1 ? d[1] : 1);
    if (p->values) {
        *value = part(p->n->values, p->at, rank, d);
        *gradient = part(p->n->gradients, p->at, rank, d);
    } else {
        p->n->parameters += count;
    }
    p->at += aligned(count);
}

/* Matrices uniform within +- sqrt(6 / (in + out)), each from a separate stream. */
static void start_matrix(placing *p, const int64_t d[2], uint32_t stream, pdessm_tensor *value,
                         pdessm_tensor *gradient) {
    const double bound = sqrt(6.0 / (double)(d[0] + d[1]));
    for (int64_t k = 0; p->values && k < d[0] * d[1]; k++)
        p->values[p->at + k] = (float)(bound * (2 * pdessm_uniform(p->seed, PDESSM_RANDOM_INIT,
                                                                   (uint32_t)p->unit, stream, k) -
                                                1));
    place(p, 2, d, value, gradient);
}

/* Scales 1, shifts 0. */
static void place_unit(placing *p) {
    const pdessm_gnn *n = p->n;
    const pdessm_gnn_config *c = &n->config;
    unit *u = &n->unit[p->unit];
    int64_t d[2];
    unit_extents(n, p->unit, d);
    start_matrix(p, d, 1, &u->weight, &u->dweight);
    if (p->unit < n->units && c->kind == PDESSM_GNN_GAT) {
        const int64_t heads[] = {c->heads, c->width / c->heads};
        start_matrix(p, heads, 2, &u->left, &u->dleft);
        start_matrix(p, heads, 3, &u->right, &u->dright);
    }
    if (p->unit < n->units) {
        for (int64_t k = 0; p->values && k < d[0]; k++)
            p->values[p->at + k] = 1;
        place(p, 1, d, &u->scale, &u->dscale);
    }
    place(p, 1, d, &u->shift, &u->dshift);
}

/* All units; the answer is the length of the flat arrays. */
static int64_t place_units(pdessm_gnn *n, uint64_t seed, float *values) {
    placing p = {.n = n, .seed = seed, .values = values};
    for (; p.unit <= n->units; p.unit++)
        place_unit(&p);
    return p.at;
}

static pdessm_status check_config(pdessm_context *ctx, const pdessm_gnn_config *c) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(
        ctx,
        c->layers >= 1 && c->layers <= 64 && c->width >= 1 && c->width <= 1 << 16 &&
            c->features >= 1 && c->features <= 1 << 20 && c->classes >= 1 && c->classes <= 1 << 20,
        PDESSM_ERROR_ARGUMENT,
        "a network of %lld layers of width %lld from %lld features to %lld classes: "
        "expected 1 to 64, 2^16, 2^20 and 2^20",
        (long long)c->layers, (long long)c->width, (long long)c->features, (long long)c->classes);
    PDESSM_REQUIRE(ctx, c->dropout >= 0 && c->dropout < 1, PDESSM_ERROR_ARGUMENT,
                   "dropout %g: expected at least 0 and less than 1", c->dropout);
    PDESSM_REQUIRE(ctx, c->heads >= 1 && c->width % c->heads == 0, PDESSM_ERROR_ARGUMENT,
                   "width %lld cannot be cut into %lld heads", (long long)c->width,
                   (long long)c->heads);
out:
    return status;
}

pdessm_status pdessm_gnn_create(pdessm_device *device, const pdessm_gnn_config *config,
                                uint64_t seed, pdessm_gnn **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_gnn *n = NULL;
    float *values = NULL;
    PDESSM_TRY(check_config(device->ctx, config));
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *n, &n));
    n->device = device;
    n->config = *config;
    n->units = (int)config->layers * units_of_layer(config);
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)n->units + 1, sizeof *n->unit, &n->unit));
    const int64_t total = place_units(n, seed, NULL), moving[] = {2, config->width};
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 1, &total, &n->values));
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 1, &total, &n->gradients));
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 2, moving, &n->moving));
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)total, sizeof *values, &values));
    place_units(n, seed, values);
    PDESSM_TRY(pdessm_tensor_write(n->values, values));
    PDESSM_TRY(pdessm_tensor_zero(n->gradients));
    PDESSM_TRY(pdessm_tensor_zero(n->moving));
    *ret = n;
    n = NULL;
out:
    free(values);
    pdessm_gnn_destroy(&n);
    return status;
}

void pdessm_gnn_destroy(pdessm_gnn **gnn) {
    pdessm_gnn *n = *gnn;
    if (!n)
        return;
    pdessm_tensor_destroy(&n->values);
    pdessm_tensor_destroy(&n->gradients);
    pdessm_tensor_destroy(&n->moving);
    free(n->unit);
    free(n);
    *gnn = NULL;
}

pdessm_gnn_config pdessm_gnn_get_config(const pdessm_gnn *gnn) {
    return gnn->config;
}

pdessm_device *pdessm_gnn_device(const pdessm_gnn *gnn) {
    return gnn->device;
}

pdessm_tensor *pdessm_gnn_values(pdessm_gnn *gnn) {
    return gnn->values;
}

pdessm_tensor *pdessm_gnn_gradients(pdessm_gnn *gnn) {
    return gnn->gradients;
}

int64_t pdessm_gnn_parameter_count(const pdessm_gnn *gnn) {
    return gnn->parameters;
}

/* ------------------------------------------------------------------ forward */

/* One pass through the layers. */
typedef struct walk {
    pdessm_gnn *n;
    pdessm_tape *tape;
    const pdessm_gnn_input *in;
    int training;
} walk;

static pdessm_tensor *linear(const walk *w, int i, pdessm_tensor *h) {
    unit *u = &w->n->unit[i];
    return pdessm_linear(w->tape, h, pdessm_tape_parameter(w->tape, &u->weight, &u->dweight), NULL,
                         1);
}

static pdessm_tensor *norm(const walk *w, int i, pdessm_tensor *h) {
    unit *u = &w->n->unit[i];
    pdessm_tape *tape = w->tape;
    return pdessm_batch_norm(tape, h, pdessm_tape_parameter(tape, &u->scale, &u->dscale),
                             pdessm_tape_parameter(tape, &u->shift, &u->dshift),
                             pdessm_tape_parameter(tape, w->n->moving, NULL), 1, 0, 1e-5);
}

/* dropout(relu(h)) at the end of a layer. */
static pdessm_tensor *finish(const walk *w, int layer, pdessm_tensor *h) {
    const double rate = w->n->config.dropout;
    return w->training && rate > 0
               ? pdessm_dropout(w->tape, h, w->in->node, w->in->clock, rate, layer, 1)
               : pdessm_relu(w->tape, h, 0);
}

/* D^-1/2 A D^-1/2 h W, the two products in the order in which the sparse one is narrower. */
static pdessm_tensor *gcn_layer(const walk *w, int layer, pdessm_tensor *h) {
    int64_t d[2];
    unit_extents(w->n, layer, d);
    if (d[0] <= d[1])
        h = pdessm_spmm(w->tape, &w->in->pattern, w->in->weight, linear(w, layer, h));
    else
        h = linear(w, layer, pdessm_spmm(w->tape, &w->in->pattern, w->in->weight, h));
    return finish(w, layer, norm(w, layer, h));
}

static pdessm_tensor *gin_layer(const walk *w, int layer, pdessm_tensor *h) {
    h = pdessm_spmm(w->tape, &w->in->pattern, NULL, h);
    h = pdessm_relu(w->tape, norm(w, 2 * layer, linear(w, 2 * layer, h)), 0);
    return finish(w, layer, norm(w, 2 * layer + 1, linear(w, 2 * layer + 1, h)));
}

static pdessm_tensor *gat_layer(const walk *w, int layer, pdessm_tensor *h) {
    unit *u = &w->n->unit[layer];
    pdessm_tape *tape = w->tape;
    h = linear(w, layer, h);
    pdessm_tensor *left =
        pdessm_head_dot(tape, h, pdessm_tape_parameter(tape, &u->left, &u->dleft));
    pdessm_tensor *right =
        pdessm_head_dot(tape, h, pdessm_tape_parameter(tape, &u->right, &u->dright));
    pdessm_tensor *share = pdessm_edge_softmax(tape, &w->in->pattern, left, right, 0.2);
    return finish(w, layer, norm(w, layer, pdessm_spmm(tape, &w->in->pattern, share, h)));
}

pdessm_tensor *pdessm_gnn_logits(pdessm_gnn *gnn, pdessm_tape *tape, const pdessm_gnn_input *input,
                                 int training) {
    const walk w = {.n = gnn, .tape = tape, .in = input, .training = training};
    pdessm_tensor *h = input->x;
    static pdessm_tensor *(*const layers[PDESSM_GNN_COUNT])(const walk *, int, pdessm_tensor *) = {
        gcn_layer, gin_layer, gat_layer};
    for (int layer = 0; layer < (int)gnn->config.layers; layer++)
        h = layers[gnn->config.kind](&w, layer, h);
    unit *last = &gnn->unit[gnn->units];
    return pdessm_linear(tape, h, pdessm_tape_parameter(tape, &last->weight, &last->dweight),
                         pdessm_tape_parameter(tape, &last->shift, &last->dshift), 1);
}
