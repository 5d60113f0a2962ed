/* SPDX-License-Identifier: MIT */
/* node_folder.c: graphs out of folders with tables of edges, features, labels, and parts or none.
 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "files/csv.h"
#include "files/file.h"
#include "files/npy.h"
#include "graphs/node_draft.h"
#include "graphs/node_files.h"

/* A table out of a .npy or a .csv file: one of the two holds it. All zero is releasable. */
typedef struct table {
    int64_t rows, columns;
    pdessm_array array;
    pdessm_table text;
} table;

static void release(table *t) {
    pdessm_array_release(&t->array);
    pdessm_table_release(&t->text);
}

static double cell(const table *t, int64_t i) {
    return t->text.value ? t->text.value[i] : pdessm_array_number(&t->array, i);
}

static pdessm_status read_npy(pdessm_node_draft *d, const char *path, const pdessm_bytes *bytes,
                              table *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_array *a = &ret->array;
    PDESSM_TRY(pdessm_npy_decode(d->ctx, path, bytes->data, bytes->size, d->max_bytes, a));
    PDESSM_REQUIRE(d->ctx, (a->rank == 1 || a->rank == 2) && pdessm_array_count(a) > 0,
                   PDESSM_ERROR_FILE, "%s: %d dimensions, expected 1 or 2, and not empty", path,
                   a->rank);
    ret->rows = a->dims[0];
    ret->columns = a->rank == 2 ? a->dims[1] : 1;
out:
    return status;
}

static pdessm_status read_csv(pdessm_node_draft *d, const char *path, const pdessm_bytes *bytes,
                              table *ret) {
    pdessm_status status = pdessm_csv_decode(d->ctx, path, (const char *)bytes->data, bytes->size,
                                             d->max_bytes, &ret->text);
    if (status == PDESSM_OK && ret->text.rows == 0)
        status = pdessm_fail(d->ctx, PDESSM_ERROR_FILE, "%s: holds no numbers", path);
    ret->rows = ret->text.rows;
    ret->columns = ret->text.columns;
    return status;
}

/* NAME.npy or NAME.csv of a folder; *ret stays without rows when there is neither. */
static pdessm_status read_table(pdessm_node_draft *d, const char *folder, const char *name,
                                table *ret) {
    static const struct {
        const char *end;
        pdessm_status (*read)(pdessm_node_draft *d, const char *path, const pdessm_bytes *bytes,
                              table *ret);
    } kinds[] = {{".npy", read_npy}, {".csv", read_csv}};
    pdessm_status status = PDESSM_OK;
    pdessm_bytes bytes = {0};
    char path[4096];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s%s", folder, name, kinds[i].end);
        if (access(path, F_OK) != 0)
            continue;
        PDESSM_TRY(pdessm_bytes_open(d->ctx, path, &bytes));
        PDESSM_TRY(kinds[i].read(d, path, &bytes, ret));
        break;
    }
out:
    pdessm_bytes_release(&bytes);
    return status;
}

/* rows -1: as many as there are. */
static pdessm_status expect_extents(const pdessm_node_draft *d, const char *what, const table *t,
                                    int64_t rows, int64_t columns) {
    if ((rows < 0 || t->rows == rows) && t->columns == columns)
        return PDESSM_OK;
    return pdessm_fail(d->ctx, PDESSM_ERROR_FILE,
                       "%s: %s: %lld rows of %lld numbers, expected %lld of %lld", d->name, what,
                       (long long)t->rows, (long long)t->columns,
                       (long long)(rows < 0 ? t->rows : rows), (long long)columns);
}

static pdessm_status take_edges(pdessm_node_draft *d, const table *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(expect_extents(d, "edges", t, -1, 2));
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)t->rows, sizeof *d->ends, &d->ends));
    d->arrays.edges = t->rows;
    for (int64_t k = 0; k < 2 * t->rows; k++) {
        const double node = cell(t, k);
        PDESSM_REQUIRE(d->ctx, node >= 0 && node < (double)d->arrays.nodes && node == floor(node),
                       PDESSM_ERROR_FILE, "%s: edge %lld names node %g, expected 0 to %lld",
                       d->name, (long long)(k / 2), node, (long long)d->arrays.nodes - 1);
        d->ends[k / 2][k % 2] = (int32_t)node;
    }
out:
    return status;
}

static pdessm_status take_nodes(pdessm_node_draft *d, const table *features, const table *labels,
                                const table *parts, uint64_t seed) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = features->rows;
    PDESSM_TRY(pdessm_node_draft_reserve(d, n, features->columns));
    PDESSM_TRY(expect_extents(d, "labels", labels, n, 1));
    for (int64_t k = 0; k < n * features->columns; k++)
        d->feature[k] = (float)cell(features, k);
    for (int64_t i = 0; i < n; i++)
        PDESSM_TRY(pdessm_node_draft_label(d, i, cell(labels, i)));
    if (parts->rows == 0) {
        pdessm_node_draft_draw_splits(d, seed);
        goto out;
    }
    PDESSM_TRY(expect_extents(d, "parts", parts, n, 1));
    for (int64_t i = 0; i < n; i++)
        PDESSM_TRY(pdessm_node_draft_split(d, i, cell(parts, i)));
out:
    return status;
}

static pdessm_status read_folder(pdessm_context *ctx, const char *path, uint64_t seed,
                                 int64_t max_bytes, pdessm_node_set **ret) {
    static const char *const names[] = {"edges", "features", "labels", "parts"};
    pdessm_status status = PDESSM_OK;
    pdessm_node_draft d = {.ctx = ctx, .name = path, .max_bytes = max_bytes};
    table tables[4] = {{0}};
    for (int i = 0; i < 4; i++) {
        PDESSM_TRY(read_table(&d, path, names[i], &tables[i]));
        PDESSM_REQUIRE(ctx, tables[i].rows > 0 || i == 3, PDESSM_ERROR_FILE,
                       "%s: holds neither %s.csv nor %s.npy; expected edges, features, labels and, "
                       "if they are not to be drawn, parts",
                       path, names[i], names[i]);
    }
    PDESSM_TRY(take_nodes(&d, &tables[1], &tables[2], &tables[3], seed));
    PDESSM_TRY(take_edges(&d, &tables[0]));
    PDESSM_TRY(pdessm_node_draft_finish(&d, ret));
out:
    for (int i = 0; i < 4; i++)
        release(&tables[i]);
    pdessm_node_draft_release(&d);
    return status;
}

pdessm_status pdessm_node_set_read(pdessm_context *ctx, const char *path, uint64_t seed,
                                   int64_t max_bytes, pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_bytes bytes = {0};
    if (pdessm_is_folder(path))
        return read_folder(ctx, path, seed, max_bytes, ret);
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    PDESSM_REQUIRE(ctx, pdessm_is_npz(bytes.data, bytes.size), PDESSM_ERROR_FILE,
                   "%s: not an .npz file; expected one with adj_data, .., labels, or a folder with "
                   "edges, features and labels as .csv or .npy",
                   path);
    PDESSM_TRY(pdessm_node_set_decode(ctx, path, bytes.data, bytes.size, seed, max_bytes, ret));
out:
    pdessm_bytes_release(&bytes);
    return status;
}
