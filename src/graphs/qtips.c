/* SPDX-License-Identifier: MIT */
/* qtips.c: a built-in task of long range. An image of 128 x 128 pixels shows a rod whose two ends
 * have colour 2 or 3: both 2, both 3, or one of each, which is the class of every pixel of the rod.
 * Turned, scaled, sheared and shifted at random. The cells of the image's quadtree, split until
 * they are of one colour, are the nodes of a graph, each joined to its 9 nearest by their centres.
 * A node's features are its colour (ground, rod, 2, 3, one of which is 1) and its size; nodes of
 * the ground have no class. Of 1,100 graphs the first 900 are to train on, the next 100 to choose
 * the epoch by, the last 100 to test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "graphs/node_set.h"

enum { SIDE = 128, NEAREST = 9, QTIPS_GRAPHS = 1100, QTIPS_FEATURES = 5, QTIPS_CLASSES = 3 };
enum { GROUND, ROD, TIP_2, TIP_3 }; /* colours */

/* The rod in its coordinates, in pixels before it is scaled. */
#define HALF_LENGTH 40.0
#define HALF_WIDTH 3.0
#define TIP_LENGTH 6.0

typedef struct rod {
    double x, y;           /* the middle */
    double forth[2][2];    /* own coordinates to the image's */
    double back[2][2];     /* and the inverse */
    int first, last, kind; /* colours of the ends; the class */
} rod;

static double between(uint64_t seed, int64_t graph, int64_t index, double low, double high) {
    return low + (high - low) * pdessm_uniform(seed, PDESSM_RANDOM_DATA, 2, (uint32_t)graph, index);
}

static rod draw_rod(uint64_t seed, int64_t graph) {
    rod r;
    const double angle = between(seed, graph, 0, 0, 2 * M_PI);
    const double scale = between(seed, graph, 1, 0.7, 1.2);
    const double shear = between(seed, graph, 2, -0.5, 0.5);
    const double c = scale * cos(angle), s = scale * sin(angle);
    r.forth[0][0] = c;
    r.forth[0][1] = shear * c - s;
    r.forth[1][0] = s;
    r.forth[1][1] = shear * s + c;
    const double area = c * r.forth[1][1] - s * r.forth[0][1];
    r.back[0][0] = r.forth[1][1] / area;
    r.back[0][1] = -r.forth[0][1] / area;
    r.back[1][0] = -s / area;
    r.back[1][1] = c / area;
    /* How far the rod reaches on either side of its middle, and a pixel more. */
    const double wide = fabs(c) * HALF_LENGTH + fabs(r.forth[0][1]) * HALF_WIDTH + 1;
    const double high = fabs(s) * HALF_LENGTH + fabs(r.forth[1][1]) * HALF_WIDTH + 1;
    r.x = between(seed, graph, 3, wide, SIDE - wide);
    r.y = between(seed, graph, 4, high, SIDE - high);
    r.kind = (int)between(seed, graph, 5, 0, 3);
    r.first = r.kind == 1 ? TIP_3 : TIP_2;
    r.last = r.kind == 0 ? TIP_2 : TIP_3;
    return r;
}

static int colour(const rod *r, int row, int column) {
    const double dx = column + 0.5 - r->x, dy = row + 0.5 - r->y;
    const double along = r->back[0][0] * dx + r->back[0][1] * dy;
    const double across = r->back[1][0] * dx + r->back[1][1] * dy;
    if (fabs(along) > HALF_LENGTH || fabs(across) > HALF_WIDTH)
        return GROUND;
    if (fabs(along) < HALF_LENGTH - TIP_LENGTH)
        return ROD;
    return along < 0 ? r->first : r->last;
}

/* ------------------------------------------------------------------ cells */

typedef struct cell {
    float x, y; /* the centre */
    int size, colour;
} cell;

typedef struct tree {
    uint8_t image[SIDE][SIDE];
    int count;
    cell cell[SIDE * SIDE];
} tree;

static int is_plain(const tree *t, int row, int column, int size) {
    for (int i = row; i < row + size; i++)
        for (int j = column; j < column + size; j++)
            if (t->image[i][j] != t->image[row][column])
                return 0;
    return 1;
}

/* Quarters in reading order, so that cells that are near in the list are near in the image. */
static void split(tree *t, int row, int column, int size) {
    const int half = size / 2;
    if (is_plain(t, row, column, size)) {
        const float middle = (float)size / 2;
        t->cell[t->count++] =
            (cell){(float)column + middle, (float)row + middle, size, t->image[row][column]};
        return;
    }
    for (int quarter = 0; quarter < 4; quarter++)
        split(t, row + quarter / 2 * half, column + quarter % 2 * half, half);
}

static void grow(const rod *r, tree *t) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            t->image[i][j] = (uint8_t)colour(r, i, j);
    t->count = 0;
    split(t, 0, 0, SIDE);
}

/* The nearest cells to cell i, of equally near ones those that come first, to ret [NEAREST]. */
static int nearest(const tree *t, int i, int ret[NEAREST]) {
    float distance[NEAREST];
    int found = 0;
    for (int j = 0; j < t->count; j++) {
        const float dx = t->cell[i].x - t->cell[j].x, dy = t->cell[i].y - t->cell[j].y;
        const float d = dx * dx + dy * dy;
        if (j == i || (found == NEAREST && d >= distance[NEAREST - 1]))
            continue;
        int at = found < NEAREST ? found++ : NEAREST - 1;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            ret[at] = ret[at - 1];
        }
        distance[at] = d;
        ret[at] = j;
    }
    return found;
}

/* ------------------------------------------------------------------ the set */

/* Everything as it grows, graph by graph. */
typedef struct harvest {
    pdessm_context *ctx;
    int64_t nodes, room; /* and room for NEAREST edges a node */
    int64_t edges;
    int32_t (*ends)[2], *label, *first;
    float *feature;
    uint8_t *split;
} harvest;

static pdessm_status more(pdessm_context *ctx, int64_t count, size_t size, void *pointer) {
    void *old, *grown;
    memcpy(&old, pointer, sizeof old);
    grown = realloc(old, (size_t)count * size);
    if (!grown)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: qtips with %lld nodes",
                           (long long)count);
    memcpy(pointer, &grown, sizeof grown);
    return PDESSM_OK;
}

static pdessm_status make_room(harvest *h, int64_t nodes) {
    pdessm_status status = PDESSM_OK;
    if (nodes <= h->room)
        return status;
    h->room = 2 * nodes;
    PDESSM_TRY(more(h->ctx, h->room * NEAREST, sizeof *h->ends, &h->ends));
    PDESSM_TRY(more(h->ctx, h->room, sizeof *h->label, &h->label));
    PDESSM_TRY(more(h->ctx, h->room * QTIPS_FEATURES, sizeof *h->feature, &h->feature));
    PDESSM_TRY(more(h->ctx, h->room, sizeof *h->split, &h->split));
out:
    return status;
}

static pdessm_status add_graph(harvest *h, const tree *t, int kind, uint8_t split) {
    pdessm_status status = PDESSM_OK;
    const int32_t base = (int32_t)h->nodes;
    PDESSM_TRY(make_room(h, h->nodes + t->count));
    for (int i = 0; i < t->count; i++) {
        float *feature = h->feature + h->nodes * QTIPS_FEATURES;
        const int on_rod = t->cell[i].colour != GROUND;
        int near[NEAREST];
        for (int k = 0; k < QTIPS_FEATURES - 1; k++)
            feature[k] = k == t->cell[i].colour;
        feature[QTIPS_FEATURES - 1] = log2f((float)t->cell[i].size) / log2f(SIDE);
        h->label[h->nodes] = on_rod ? kind : -1;
        h->split[h->nodes++] = on_rod ? split : PDESSM_NODES_UNUSED;
        for (int k = nearest(t, i, near); k-- > 0; h->edges++) {
            h->ends[h->edges][0] = base + i;
            h->ends[h->edges][1] = base + near[k];
        }
    }
out:
    return status;
}

/* Of every eleven graphs nine, one and one, so that the first few graphs are such a set too. */
static uint8_t part_of(int64_t graph, int64_t graphs) {
    return graph < graphs * 9 / 11    ? PDESSM_NODES_TRAIN
           : graph < graphs * 10 / 11 ? PDESSM_NODES_VALIDATION
                                      : PDESSM_NODES_TEST;
}

static pdessm_status gather(harvest *h, uint64_t seed, int64_t graphs, tree *t) {
    pdessm_status status = PDESSM_OK;
    for (int64_t g = 0; g < graphs; g++) {
        const rod r = draw_rod(seed, g);
        grow(&r, t);
        PDESSM_TRY(add_graph(h, t, r.kind, part_of(g, graphs)));
        h->first[g + 1] = (int32_t)h->nodes;
    }
out:
    return status;
}

pdessm_status pdessm_node_set_qtips(pdessm_context *ctx, uint64_t seed, int64_t graphs,
                                    pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    harvest h = {.ctx = ctx};
    tree *t = NULL;
    if (graphs == 0)
        graphs = QTIPS_GRAPHS;
    PDESSM_REQUIRE(ctx, graphs >= 11 && graphs <= QTIPS_GRAPHS, PDESSM_ERROR_ARGUMENT,
                   "qtips:%lld: expected 11 to %d graphs", (long long)graphs, QTIPS_GRAPHS);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *t, &t));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)graphs + 1, sizeof *h.first, &h.first));
    PDESSM_TRY(gather(&h, seed, graphs, t));
    const pdessm_node_arrays arrays = {.nodes = h.nodes,
                                       .edges = h.edges,
                                       .features = QTIPS_FEATURES,
                                       .classes = QTIPS_CLASSES,
                                       .ends = (const int32_t(*)[2])h.ends,
                                       .feature = h.feature,
                                       .label = h.label,
                                       .split = h.split,
                                       .graphs = graphs,
                                       .first = h.first};
    PDESSM_TRY(pdessm_node_set_create(ctx, "qtips", &arrays, ret));
out:
    free(h.ends);
    free(h.label);
    free(h.first);
    free(h.feature);
    free(h.split);
    free(t);
    return status;
}
