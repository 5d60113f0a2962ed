/* SPDX-License-Identifier: MIT */
/* test_node_files.c: graphs out of tables, parts that are drawn, and qtips as it is specified. The
 * .npz layout is read in tests/cli/test_graph.py, which can write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graphs/node_files.h"

typedef struct fixture {
    pdessm_context *ctx;
    char folder[64];
} fixture;

static void write_text(const fixture *f, const char *name, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    const pdessm_context_options options = {.threads = 1};
    assert_int_equal(pdessm_context_create(&options, &f->ctx), PDESSM_OK);
    strcpy(f->folder, "/tmp/pdessm-nodes-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    write_text(f, "edges.csv", "from,to\n0,1\n1,2\n2,0\n2,2 # a loop\n0 1\n");
    write_text(f, "features.csv", "1 0.5\n2 0\n-3 1e-1\n4 4\n");
    write_text(f, "labels.csv", "0\n1\n2\n1\n");
    write_text(f, "parts.csv", "1\n2\n3\n0\n");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    static const char *const names[] = {"edges.csv", "features.csv", "labels.csv", "parts.csv"};
    fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    rmdir(f->folder);
    pdessm_context_destroy(&f->ctx);
    free(f);
    return 0;
}

static pdessm_node_set *read_set(const fixture *f) {
    pdessm_node_set *set = NULL;
    if (pdessm_node_set_read(f->ctx, f->folder, 1, 1 << 20, &set) != PDESSM_OK)
        fail_msg("%s", pdessm_context_error(f->ctx));
    return set;
}

static void tables_are_read(void **state) {
    pdessm_node_set *set = read_set(*state);
    static const float features[] = {1, 0.5f, 2, 0, -3, 0.1f, 4, 4};
    static const int32_t start[] = {0, 3, 6, 9, 10}, column[] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 3};
    const pdessm_node_set_info info = pdessm_node_set_get_info(set);
    assert_int_equal(info.nodes, 4);
    assert_int_equal(info.edges, 3);
    assert_int_equal(info.repeated, 2);
    assert_int_equal(info.isolated, 1);
    assert_int_equal(info.classes, 3);
    for (int p = 0; p < PDESSM_NODES_SPLITS; p++)
        assert_int_equal(info.count[p], 1);
    assert_memory_equal(set->feature, features, sizeof features);
    assert_memory_equal(set->csr.start, start, sizeof start);
    assert_memory_equal(set->csr.column, column, sizeof column);
    assert_int_equal(set->label[2], 2);
    assert_int_equal(set->split[1], PDESSM_NODES_VALIDATION);
    pdessm_node_set_destroy(&set);
}

static void wrong_tables_are_refused(void **state) {
    static const char *const cases[][3] = {
        {"edges.csv", "0,1\n1,4\n", "edge 1 names node 4, expected 0 to 3"},
        {"edges.csv", "0,1\n1,-1\n", "edge 1 names node -1"},
        {"edges.csv", "0,1\n1,0.5\n", "edge 1 names node 0.5"},
        {"edges.csv", "0,1,1\n", "edges: 1 rows of 3 numbers, expected 1 of 2"},
        {"edges.csv", "0,1\n1\n", "edges.csv:2: 1 numbers, expected 2"},
        {"edges.csv", "from,to\n0,x\n", "edges.csv:2: 'x' is not a number (column 2, to)"},
        {"edges.csv", "", "holds no numbers"},
        {"edges.csv", "from,to\n", "holds no numbers"},
        {"features.csv", "1\n2\n3\n", "labels: 4 rows of 1 numbers, expected 3 of 1"},
        {"features.csv", "1\n2\nnan\n4\n", "feature 0 of node 2 is not finite"},
        {"labels.csv", "0\n1\n2.5\n1\n", "label 2.5 of node 2"},
        {"labels.csv", "0\n-1\n2\n1\n", "node 1 is to be trained on or tested"},
        {"parts.csv", "1\n2\n3\n4\n", "part 4 of node 3"},
        {"parts.csv", "1\n1\n3\n3\n", "0 validation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pdessm_node_set *set = NULL;
        tear_down(state);
        set_up(state);
        const fixture *f = *state;
        write_text(f, cases[i][0], cases[i][1]);
        assert_int_equal(pdessm_node_set_read(f->ctx, f->folder, 1, 1 << 20, &set),
                         PDESSM_ERROR_FILE);
        if (!strstr(pdessm_context_error(f->ctx), cases[i][2]))
            fail_msg("'%s' does not say '%s'", pdessm_context_error(f->ctx), cases[i][2]);
    }
}

static void large_tables_are_refused(void **state) {
    const fixture *f = *state;
    pdessm_node_set *set = NULL;
    assert_int_equal(pdessm_node_set_read(f->ctx, f->folder, 1, 31, &set), PDESSM_ERROR_FILE);
    assert_non_null(strstr(pdessm_context_error(f->ctx), "take"));
}

/* 200 nodes, of which every fifth is of unknown label: about 60, 20 and 20 % of the others. */
static void parts_are_drawn(void **state) {
    enum { NODES = 200, KNOWN = 160 };
    const fixture *f = *state;
    char features[NODES * 2 + 1] = "", labels[NODES * 3 + 1] = "", path[128];
    for (int i = 0; i < NODES; i++) {
        strcat(features, "1\n");
        strcat(labels, i % 5 == 0 ? "-1\n" : "0\n");
    }
    write_text(f, "features.csv", features);
    write_text(f, "labels.csv", labels);
    snprintf(path, sizeof path, "%s/parts.csv", f->folder);
    assert_int_equal(unlink(path), 0);
    pdessm_node_set *set = read_set(f);
    const pdessm_node_set_info info = pdessm_node_set_get_info(set);
    assert_int_equal(info.count[PDESSM_NODES_UNUSED], NODES - KNOWN);
    assert_in_range(info.count[PDESSM_NODES_TRAIN], 70, 122);
    assert_in_range(info.count[PDESSM_NODES_VALIDATION], 10, 58);
    assert_in_range(info.count[PDESSM_NODES_TEST], 10, 58);
    pdessm_node_set_destroy(&set);
}

/* ------------------------------------------------------------------ qtips */

/* Cells tile the image; the rod is of one class, which its two ends tell. */
static void check_graph(const pdessm_node_set *s, int64_t g) {
    double area = 0;
    int seen[4] = {0}, kind = -1;
    for (int32_t i = s->first[g]; i < s->first[g + 1]; i++) {
        const float *x = s->feature + i * s->features;
        const double side = exp2(7 * (double)x[4]);
        const int edges = s->csr.start[i + 1] - s->csr.start[i];
        int colour = -1, colours = 0;
        for (int c = 0; c < 4; c++)
            if (x[c] == 1) {
                colour = c;
                colours++;
            }
        assert_int_equal(colours, 1);
        assert_true(edges >= 1 + 9);
        area += side * side;
        seen[colour]++;
        if (colour == 0) {
            assert_int_equal(s->label[i], -1);
            assert_int_equal(s->split[i], PDESSM_NODES_UNUSED);
            continue;
        }
        assert_true(kind < 0 || s->label[i] == kind);
        kind = s->label[i];
    }
    assert_true(fabs(area - 128 * 128) < 1);
    assert_true(seen[0] && seen[1]);
    assert_int_equal(seen[2] > 0, kind != 1);
    assert_int_equal(seen[3] > 0, kind != 0);
}

static void qtips_are_as_specified(void **state) {
    const fixture *f = *state;
    pdessm_node_set *set = NULL, *again = NULL;
    assert_int_equal(pdessm_node_set_qtips(f->ctx, 3, 33, &set), PDESSM_OK);
    assert_int_equal(set->graphs, 33);
    int kinds[3] = {0};
    for (int64_t g = 0; g < 33; g++) {
        check_graph(set, g);
        for (int32_t i = set->first[g]; i < set->first[g + 1]; i++)
            if (set->label[i] >= 0) {
                kinds[set->label[i]]++;
                assert_int_equal(set->split[i], g < 27   ? PDESSM_NODES_TRAIN
                                                : g < 30 ? PDESSM_NODES_VALIDATION
                                                         : PDESSM_NODES_TEST);
            }
    }
    assert_true(kinds[0] && kinds[1] && kinds[2]);
    assert_int_equal(pdessm_node_set_qtips(f->ctx, 3, 33, &again), PDESSM_OK);
    assert_int_equal(again->csr.edges, set->csr.edges);
    assert_memory_equal(again->csr.column, set->csr.column,
                        (size_t)set->csr.edges * sizeof *set->csr.column);
    pdessm_node_set_destroy(&set);
    pdessm_node_set_destroy(&again);
    assert_int_equal(pdessm_node_set_qtips(f->ctx, 3, 10, &set), PDESSM_ERROR_ARGUMENT);
}

int main(void) {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        test(tables_are_read), test(wrong_tables_are_refused), test(large_tables_are_refused),
        test(parts_are_drawn), test(qtips_are_as_specified),
    };
    return cmocka_run_group_tests_name("node_files", tests, NULL, NULL);
}
