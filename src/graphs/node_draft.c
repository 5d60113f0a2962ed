/* SPDX-License-Identifier: MIT */
/* node_draft.c: a graph with classes while a file of it is read. */
#include "graphs/node_draft.h"

#include <math.h>
#include <stdlib.h>

#include "core/random.h"

void pdessm_node_draft_release(pdessm_node_draft *d) {
    free(d->ends);
    free(d->label);
    free(d->feature);
    free(d->split);
}

pdessm_status pdessm_node_draft_reserve(pdessm_node_draft *d, int64_t nodes, int64_t features) {
    pdessm_status status = PDESSM_OK;
    const int64_t dims[] = {nodes, features};
    const int64_t count = pdessm_extent_product(2, dims, sizeof *d->feature);
    PDESSM_REQUIRE(d->ctx, nodes >= 1 && nodes < INT32_MAX && features >= 1 && count >= 0,
                   PDESSM_ERROR_FILE, "%s: %lld nodes with %lld features, expected 1 or more each",
                   d->name, (long long)nodes, (long long)features);
    PDESSM_REQUIRE(d->ctx, count <= d->max_bytes / (int64_t)sizeof *d->feature, PDESSM_ERROR_FILE,
                   "%s: %lld features of %lld nodes take %.1f GB, more than the %.1f GB allowed: "
                   "take fewer features, or a part of the graph",
                   d->name, (long long)features, (long long)nodes, (double)count * 4e-9,
                   (double)d->max_bytes * 1e-9);
    d->arrays.nodes = nodes;
    d->arrays.features = features;
    PDESSM_TRY(pdessm_node_features(d->ctx, nodes, features, &d->feature));
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)nodes, sizeof *d->label, &d->label));
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)nodes, 1, &d->split));
out:
    return status;
}

pdessm_status pdessm_node_draft_label(pdessm_node_draft *d, int64_t node, double label) {
    if (!(label >= -1 && label < INT32_MAX && label == floor(label)))
        return pdessm_fail(d->ctx, PDESSM_ERROR_FILE,
                           "%s: label %g of node %lld: expected a whole number from 0, or -1",
                           d->name, label, (long long)node);
    d->label[node] = (int32_t)label;
    if (d->label[node] >= d->arrays.classes)
        d->arrays.classes = d->label[node] + 1;
    return PDESSM_OK;
}

pdessm_status pdessm_node_draft_split(pdessm_node_draft *d, int64_t node, double split) {
    if (!(split >= 0 && split < PDESSM_NODES_SPLITS && split == floor(split)))
        return pdessm_fail(d->ctx, PDESSM_ERROR_FILE,
                           "%s: part %g of node %lld: expected 0 (unused), 1 (training), 2 "
                           "(validation) or 3 (test)",
                           d->name, split, (long long)node);
    d->split[node] = (uint8_t)split;
    return PDESSM_OK;
}

void pdessm_node_draft_draw_splits(pdessm_node_draft *d, uint64_t seed) {
    for (int64_t i = 0; i < d->arrays.nodes; i++) {
        const double u = pdessm_uniform(seed, PDESSM_RANDOM_DATA, 3, 0, i);
        d->split[i] = d->label[i] < 0 ? PDESSM_NODES_UNUSED
                      : u < 0.6       ? PDESSM_NODES_TRAIN
                      : u < 0.8       ? PDESSM_NODES_VALIDATION
                                      : PDESSM_NODES_TEST;
    }
}

pdessm_status pdessm_node_draft_finish(pdessm_node_draft *d, pdessm_node_set **ret) {
    d->arrays.ends = (const int32_t(*)[2])d->ends;
    d->arrays.label = d->label;
    d->arrays.split = d->split;
    return pdessm_node_set_take(d->ctx, d->name, &d->arrays, &d->feature, ret);
}

double pdessm_array_number(const pdessm_array *a, int64_t i) {
    return a->type == PDESSM_ARRAY_UINT8   ? (double)((const uint8_t *)a->data)[i]
           : a->type == PDESSM_ARRAY_INT64 ? (double)((const int64_t *)a->data)[i]
                                           : (double)((const float *)a->data)[i];
}
