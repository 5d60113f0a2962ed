/* SPDX-License-Identifier: MIT */
/* node_set.c: a graph with features, classes and splits; checked once, when it is made. */
#include "graphs/node_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

static pdessm_status check_nodes(pdessm_context *ctx, const char *name,
                                 const pdessm_node_arrays *a) {
    pdessm_status status = PDESSM_OK;
    int64_t count[PDESSM_NODES_SPLITS] = {0};
    PDESSM_REQUIRE(ctx, a->nodes >= 1 && a->features >= 1 && a->classes >= 1, PDESSM_ERROR_FILE,
                   "%s: %lld nodes with %lld features and %lld classes, expected at least one each",
                   name, (long long)a->nodes, (long long)a->features, (long long)a->classes);
    for (int64_t i = 0; i < a->nodes; i++) {
        PDESSM_REQUIRE(ctx, a->split[i] < PDESSM_NODES_SPLITS, PDESSM_ERROR_FILE,
                       "%s: node %lld is of part %d, expected 0 to 3", name, (long long)i,
                       a->split[i]);
        PDESSM_REQUIRE(ctx, a->label[i] >= -1 && a->label[i] < a->classes, PDESSM_ERROR_FILE,
                       "%s: node %lld has label %d, expected 0 to %lld, or -1 if it is not known",
                       name, (long long)i, a->label[i], (long long)a->classes - 1);
        PDESSM_REQUIRE(ctx, a->label[i] >= 0 || a->split[i] == PDESSM_NODES_UNUSED,
                       PDESSM_ERROR_FILE,
                       "%s: node %lld is to be trained on or tested, but its label is not known",
                       name, (long long)i);
        count[a->split[i]]++;
    }
    PDESSM_REQUIRE(ctx,
                   count[PDESSM_NODES_TRAIN] && count[PDESSM_NODES_VALIDATION] &&
                       count[PDESSM_NODES_TEST],
                   PDESSM_ERROR_FILE,
                   "%s: %lld training, %lld validation and %lld test nodes, expected some of each",
                   name, (long long)count[PDESSM_NODES_TRAIN],
                   (long long)count[PDESSM_NODES_VALIDATION], (long long)count[PDESSM_NODES_TEST]);
    for (int64_t k = 0; k < a->nodes * a->features; k++)
        PDESSM_REQUIRE(ctx, isfinite(a->feature[k]), PDESSM_ERROR_FILE,
                       "%s: feature %lld of node %lld is not finite", name,
                       (long long)(k % a->features), (long long)(k / a->features));
out:
    return status;
}

/* Graphs follow each other, and no edge joins two of them. */
static pdessm_status check_graphs(pdessm_context *ctx, const char *name, const pdessm_node_set *s) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, s->first[0] == 0 && s->first[s->graphs] == s->csr.nodes, PDESSM_ERROR_FILE,
                   "%s: its graphs do not have all of the %lld nodes", name,
                   (long long)s->csr.nodes);
    for (int64_t g = 0; g < s->graphs; g++) {
        const int32_t begin = s->first[g], end = s->first[g + 1];
        PDESSM_REQUIRE(ctx, begin < end && end <= s->csr.nodes, PDESSM_ERROR_FILE,
                       "%s: graph %lld has no nodes", name, (long long)g);
        for (int32_t e = s->csr.start[begin]; e < s->csr.start[end]; e++)
            PDESSM_REQUIRE(ctx, s->csr.column[e] >= begin && s->csr.column[e] < end,
                           PDESSM_ERROR_FILE, "%s: an edge joins graph %lld with another", name,
                           (long long)g);
    }
out:
    return status;
}

static pdessm_status copy(pdessm_context *ctx, const void *from, int64_t count, size_t size,
                          void *ret_pointer) {
    void *to = NULL;
    pdessm_status status = pdessm_alloc(ctx, (size_t)count, size, &to);
    if (status == PDESSM_OK) {
        memcpy(to, from, (size_t)count * size);
        memcpy(ret_pointer, &to, sizeof to);
    }
    return status;
}

pdessm_status pdessm_node_features(pdessm_context *ctx, int64_t nodes, int64_t features,
                                   float **ret) {
    const size_t bytes = ((size_t)(nodes * features) * sizeof(float) + 63) / 64 * 64;
    float *feature = aligned_alloc(64, bytes);
    if (!feature)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY,
                           "out of memory: %lld features of %lld nodes, %.1f MB",
                           (long long)features, (long long)nodes, (double)bytes / 1e6);
    memset(feature, 0, bytes);
    *ret = feature;
    return PDESSM_OK;
}

pdessm_status pdessm_node_set_take(pdessm_context *ctx, const char *name,
                                   const pdessm_node_arrays *arrays, float **feature,
                                   pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_set *s = NULL;
    pdessm_node_arrays a = *arrays;
    const int32_t one_graph[] = {0, (int32_t)a.nodes};
    a.feature = *feature;
    if (!a.first) {
        a.graphs = 1;
        a.first = one_graph;
    }
    PDESSM_TRY(check_nodes(ctx, name, &a));
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *s, &s));
    s->features = a.features;
    s->classes = a.classes;
    s->graphs = a.graphs;
    PDESSM_TRY(pdessm_csr_build(ctx, name, a.nodes, a.edges, a.ends, &s->csr, &s->repeated));
    PDESSM_TRY(copy(ctx, a.label, a.nodes, sizeof *s->label, &s->label));
    PDESSM_TRY(copy(ctx, a.split, a.nodes, sizeof *s->split, &s->split));
    PDESSM_TRY(copy(ctx, a.first, a.graphs + 1, sizeof *s->first, &s->first));
    PDESSM_TRY(check_graphs(ctx, name, s));
    s->feature = *feature;
    *feature = NULL;
    *ret = s;
    s = NULL;
out:
    pdessm_node_set_destroy(&s);
    return status;
}

pdessm_status pdessm_node_set_create(pdessm_context *ctx, const char *name,
                                     const pdessm_node_arrays *arrays, pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    float *feature = NULL;
    PDESSM_REQUIRE(ctx, arrays->nodes >= 1 && arrays->features >= 1, PDESSM_ERROR_FILE,
                   "%s: %lld nodes with %lld features, expected at least one each", name,
                   (long long)arrays->nodes, (long long)arrays->features);
    PDESSM_TRY(pdessm_node_features(ctx, arrays->nodes, arrays->features, &feature));
    memcpy(feature, arrays->feature,
           (size_t)(arrays->nodes * arrays->features) * sizeof *arrays->feature);
    PDESSM_TRY(pdessm_node_set_take(ctx, name, arrays, &feature, ret));
out:
    free(feature);
    return status;
}

void pdessm_node_set_destroy(pdessm_node_set **set) {
    pdessm_node_set *s = *set;
    if (!s)
        return;
    pdessm_csr_release(&s->csr);
    free(s->feature);
    free(s->label);
    free(s->split);
    free(s->first);
    free(s);
    *set = NULL;
}

pdessm_node_set_info pdessm_node_set_get_info(const pdessm_node_set *set) {
    pdessm_node_set_info info = {.nodes = set->csr.nodes,
                                 .edges = (set->csr.edges - set->csr.nodes) / 2,
                                 .features = set->features,
                                 .classes = set->classes,
                                 .graphs = set->graphs,
                                 .repeated = set->repeated};
    for (int64_t i = 0; i < info.nodes; i++) {
        info.isolated += set->csr.start[i + 1] - set->csr.start[i] == 1;
        info.count[set->split[i]]++;
    }
    return info;
}

/* ------------------------------------------------------------------ the toy */

enum { CLUB_NODES = 34, CLUB_FEATURES = 8 };

static double drawn(uint64_t seed, uint32_t sample, int64_t index) {
    return pdessm_uniform(seed, PDESSM_RANDOM_DATA, 1, sample, index);
}

pdessm_status pdessm_node_set_clubs(pdessm_context *ctx, uint64_t seed, pdessm_node_set **ret) {
    enum { MOST_EDGES = CLUB_NODES * CLUB_NODES / 2 };
    int32_t ends[MOST_EDGES][2], label[CLUB_NODES], edges = 0;
    float feature[CLUB_NODES * CLUB_FEATURES];
    uint8_t split[CLUB_NODES];
    for (int32_t i = 0; i < CLUB_NODES; i++) {
        label[i] = i % 2;
        /* Of each camp six to train on, four to choose the epoch by, seven to test. */
        split[i] = i < 12   ? PDESSM_NODES_TRAIN
                   : i < 20 ? PDESSM_NODES_VALIDATION
                            : PDESSM_NODES_TEST;
        for (int32_t j = 0; j < i; j++) {
            double chance = label[i] != label[j] ? 0.04 : j < 2 ? 0.5 : 0.2;
            if (drawn(seed, 0, i * CLUB_NODES + j) < chance) {
                ends[edges][0] = i;
                ends[edges++][1] = j;
            }
        }
        for (int k = 0; k < CLUB_FEATURES; k++) {
            double noise = pdessm_normal(seed, PDESSM_RANDOM_DATA, 1, 1, i * CLUB_FEATURES + k);
            feature[i * CLUB_FEATURES + k] = (float)(noise + (k == 0) * (label[i] ? 0.7 : -0.7));
        }
    }
    const pdessm_node_arrays arrays = {.nodes = CLUB_NODES,
                                       .edges = edges,
                                       .features = CLUB_FEATURES,
                                       .classes = 2,
                                       .ends = (const int32_t(*)[2])ends,
                                       .feature = feature,
                                       .label = label,
                                       .split = split};
    return pdessm_node_set_create(ctx, "clubs", &arrays, ret);
}
