/* SPDX-License-Identifier: MIT */
/* node_npz.c: graphs out of .npz files in the layout that citation graphs are shared in: adjacency
 * and attributes as compressed rows, labels, and masks or none. */
#include <stdio.h>

#include "files/npy.h"
#include "graphs/node_draft.h"
#include "graphs/node_files.h"

/* An array that must be there, in one dimension. */
static pdessm_status need(pdessm_node_draft *d, pdessm_npz *npz, const char *member,
                          pdessm_array *ret) {
    int found = 0;
    pdessm_status status = pdessm_npz_read(npz, member, d->max_bytes, &found, ret);
    if (status == PDESSM_OK && !found)
        status = pdessm_fail(d->ctx, PDESSM_ERROR_FILE, "%s: holds no array '%s'", d->name, member);
    if (status == PDESSM_OK && ret->rank != 1)
        status =
            pdessm_fail(d->ctx, PDESSM_ERROR_FILE, "%s: array '%s' has %d dimensions, expected 1",
                        d->name, member, ret->rank);
    return status;
}

/* A matrix in compressed rows. */
typedef struct rows {
    pdessm_array data, indices, indptr, shape;
    int64_t count, height, width; /* count: entries */
} rows;

static void rows_release(rows *m) {
    pdessm_array_release(&m->data);
    pdessm_array_release(&m->indices);
    pdessm_array_release(&m->indptr);
    pdessm_array_release(&m->shape);
}

static pdessm_status check_rows(pdessm_node_draft *d, const char *prefix, rows *m) {
    pdessm_status status = PDESSM_OK;
    m->count = m->indices.dims[0];
    PDESSM_REQUIRE(d->ctx,
                   m->shape.dims[0] == 2 && m->shape.type == PDESSM_ARRAY_INT64 &&
                       m->indices.type == PDESSM_ARRAY_INT64 &&
                       m->indptr.type == PDESSM_ARRAY_INT64 && m->data.dims[0] == m->count,
                   PDESSM_ERROR_FILE,
                   "%s: %sdata, %sindices, %sindptr, %sshape are no matrix in compressed rows",
                   d->name, prefix, prefix, prefix, prefix);
    m->height = ((const int64_t *)m->shape.data)[0];
    m->width = ((const int64_t *)m->shape.data)[1];
    const int64_t *ptr = m->indptr.data, *index = m->indices.data;
    PDESSM_REQUIRE(d->ctx,
                   m->height >= 1 && m->height < INT32_MAX && m->indptr.dims[0] == m->height + 1 &&
                       ptr[0] == 0 && ptr[m->height] == m->count,
                   PDESSM_ERROR_FILE, "%s: %sindptr does not fit %lld rows of %lld entries in all",
                   d->name, prefix, (long long)m->height, (long long)m->count);
    for (int64_t i = 0; i < m->height; i++)
        PDESSM_REQUIRE(d->ctx, ptr[i] <= ptr[i + 1], PDESSM_ERROR_FILE,
                       "%s: %sindptr falls at row %lld", d->name, prefix, (long long)i);
    for (int64_t k = 0; k < m->count; k++)
        PDESSM_REQUIRE(d->ctx, index[k] >= 0 && index[k] < m->width, PDESSM_ERROR_FILE,
                       "%s: entry %lld of %sindices is %lld, expected 0 to %lld", d->name,
                       (long long)k, prefix, (long long)index[k], (long long)m->width - 1);
out:
    return status;
}

static pdessm_status read_rows(pdessm_node_draft *d, pdessm_npz *npz, const char *prefix, rows *m) {
    static const char *const parts[] = {"data", "indices", "indptr", "shape"};
    pdessm_array *const to[] = {&m->data, &m->indices, &m->indptr, &m->shape};
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < 4; i++) {
        char member[32];
        snprintf(member, sizeof member, "%s%s", prefix, parts[i]);
        PDESSM_TRY(need(d, npz, member, to[i]));
    }
    PDESSM_TRY(check_rows(d, prefix, m));
out:
    return status;
}

static pdessm_status take_edges(pdessm_node_draft *d, const rows *m) {
    pdessm_status status = PDESSM_OK;
    const int64_t *ptr = m->indptr.data, *index = m->indices.data;
    PDESSM_REQUIRE(d->ctx, m->height == m->width, PDESSM_ERROR_FILE,
                   "%s: the adjacency is %lld x %lld, expected a square", d->name,
                   (long long)m->height, (long long)m->width);
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)m->count, sizeof *d->ends, &d->ends));
    for (int64_t i = 0; i < m->height; i++)
        for (int64_t k = ptr[i]; k < ptr[i + 1]; k++) {
            if (pdessm_array_number(&m->data, k) == 0) /* no edge, though it is stored */
                continue;
            d->ends[d->arrays.edges][0] = (int32_t)i;
            d->ends[d->arrays.edges++][1] = (int32_t)index[k];
        }
out:
    return status;
}

static pdessm_status take_attributes(pdessm_node_draft *d, const rows *m, int64_t nodes) {
    pdessm_status status = PDESSM_OK;
    const int64_t *ptr = m->indptr.data, *index = m->indices.data;
    PDESSM_REQUIRE(d->ctx, m->height == nodes, PDESSM_ERROR_FILE,
                   "%s: attributes of %lld nodes, expected %lld", d->name, (long long)m->height,
                   (long long)nodes);
    PDESSM_TRY(pdessm_node_draft_reserve(d, nodes, m->width));
    for (int64_t i = 0; i < m->height; i++)
        for (int64_t k = ptr[i]; k < ptr[i + 1]; k++)
            d->feature[i * m->width + index[k]] = (float)pdessm_array_number(&m->data, k);
out:
    return status;
}

static pdessm_status take_labels(pdessm_node_draft *d, const pdessm_array *labels) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = d->arrays.nodes;
    PDESSM_REQUIRE(d->ctx, labels->dims[0] == n, PDESSM_ERROR_FILE,
                   "%s: %lld labels for %lld nodes", d->name, (long long)labels->dims[0],
                   (long long)n);
    for (int64_t i = 0; i < n; i++)
        PDESSM_TRY(pdessm_node_draft_label(d, i, pdessm_array_number(labels, i)));
out:
    return status;
}

/* train_mask, val_mask, test_mask, all or none; a node that two of them name is an error. */
static pdessm_status take_masks(pdessm_node_draft *d, pdessm_npz *npz, int *ret_found) {
    static const char *const names[] = {"train_mask", "val_mask", "test_mask"};
    pdessm_status status = PDESSM_OK;
    pdessm_array mask = {0};
    int found = 0;
    for (int p = 0; p < 3; p++) {
        int here = 0;
        PDESSM_TRY(pdessm_npz_read(npz, names[p], d->max_bytes, &here, &mask));
        found += here;
        PDESSM_REQUIRE(d->ctx, found == 0 || found == p + 1, PDESSM_ERROR_FILE,
                       "%s: expected all of train_mask, val_mask, test_mask, or none", d->name);
        PDESSM_REQUIRE(d->ctx, !here || (mask.rank == 1 && mask.dims[0] == d->arrays.nodes),
                       PDESSM_ERROR_FILE, "%s: %s is not one number for each of %lld nodes",
                       d->name, names[p], (long long)d->arrays.nodes);
        for (int64_t i = 0; here && i < d->arrays.nodes; i++) {
            if (pdessm_array_number(&mask, i) == 0)
                continue;
            PDESSM_REQUIRE(d->ctx, d->split[i] == PDESSM_NODES_UNUSED, PDESSM_ERROR_FILE,
                           "%s: two masks name node %lld", d->name, (long long)i);
            d->split[i] = (uint8_t)(p + 1);
        }
        pdessm_array_release(&mask);
    }
    *ret_found = found;
out:
    pdessm_array_release(&mask);
    return status;
}

pdessm_status pdessm_node_set_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                     size_t size, uint64_t seed, int64_t max_bytes,
                                     pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_draft d = {.ctx = ctx, .name = name, .max_bytes = max_bytes};
    rows adjacency = {0}, attributes = {0};
    pdessm_array labels = {0};
    pdessm_npz *npz = NULL;
    int masks = 0;
    PDESSM_TRY(pdessm_npz_open(ctx, name, data, size, &npz));
    PDESSM_TRY(read_rows(&d, npz, "adj_", &adjacency));
    PDESSM_TRY(read_rows(&d, npz, "attr_", &attributes));
    PDESSM_TRY(need(&d, npz, "labels", &labels));
    PDESSM_TRY(take_edges(&d, &adjacency));
    PDESSM_TRY(take_attributes(&d, &attributes, adjacency.height));
    PDESSM_TRY(take_labels(&d, &labels));
    PDESSM_TRY(take_masks(&d, npz, &masks));
    if (!masks)
        pdessm_node_draft_draw_splits(&d, seed);
    PDESSM_TRY(pdessm_node_draft_finish(&d, ret));
out:
    rows_release(&adjacency);
    rows_release(&attributes);
    pdessm_array_release(&labels);
    pdessm_npz_close(&npz);
    pdessm_node_draft_release(&d);
    return status;
}
