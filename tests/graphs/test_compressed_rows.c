/* SPDX-License-Identifier: MIT */
/* test_compressed_rows.c: graphs in compressed rows against matrices written out in full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "graphs/csr.h"

enum { NODES = 23, EDGES = 90 };

static int setup(void **state) {
    return pdessm_context_create(NULL, (pdessm_context **)state) != PDESSM_OK;
}

static int teardown(void **state) {
    pdessm_context_destroy((pdessm_context **)state);
    return 0;
}

static int32_t drawn(uint32_t stream, int64_t i, uint64_t n) {
    return (int32_t)pdessm_below(3, PDESSM_RANDOM_CHECK, 0, stream, i, n);
}

/* Edges among all nodes but the last, with repetitions, loops, and both directions. */
static void draw_edges(uint32_t stream, int32_t ends[EDGES][2]) {
    for (int k = 0; k < EDGES; k++)
        for (int side = 0; side < 2; side++)
            ends[k][side] = drawn(stream, 2 * k + side, NODES - 1);
}

/* The rows say what the matrix says, rise, and every edge has its reverse. */
static void assert_is(const pdessm_csr *csr, int64_t nodes, const char *matrix) {
    int64_t edges = 0;
    assert_int_equal(csr->nodes, nodes);
    assert_int_equal(csr->start[0], 0);
    for (int64_t i = 0; i < nodes; i++) {
        int32_t e = csr->start[i];
        for (int64_t j = 0; j < nodes; j++) {
            if (!matrix[i * nodes + j])
                continue;
            assert_true(e < csr->start[i + 1]);
            assert_int_equal(csr->column[e], j);
            int32_t r = csr->reverse[e++];
            assert_in_range(r, csr->start[j], csr->start[j + 1] - 1);
            assert_int_equal(csr->column[r], i);
            edges++;
        }
        assert_int_equal(e, csr->start[i + 1]);
    }
    assert_int_equal(csr->edges, edges);
}

static void make_matrix(int32_t ends[EDGES][2], char *matrix) {
    memset(matrix, 0, (size_t)NODES * NODES);
    for (int i = 0; i < NODES; i++)
        matrix[i * NODES + i] = 1;
    for (int k = 0; k < EDGES; k++)
        matrix[ends[k][0] * NODES + ends[k][1]] = matrix[ends[k][1] * NODES + ends[k][0]] = 1;
}

static void edges_become_rows(void **state) {
    int32_t ends[EDGES][2];
    char matrix[NODES * NODES];
    for (uint32_t stream = 0; stream < 5; stream++) {
        pdessm_csr csr = {0};
        int64_t repeated = -1;
        draw_edges(stream, ends);
        make_matrix(ends, matrix);
        assert_int_equal(pdessm_csr_build(*state, "drawn", NODES, EDGES, ends, &csr, &repeated),
                         PDESSM_OK);
        assert_is(&csr, NODES, matrix);
        assert_int_equal(repeated, EDGES - (csr.edges - NODES) / 2);
        pdessm_csr_release(&csr);
    }
}

static void nodes_without_edges_keep_their_loop(void **state) {
    pdessm_csr csr = {0};
    int64_t repeated = -1;
    assert_int_equal(pdessm_csr_build(*state, "lonely", 3, 0, NULL, &csr, &repeated), PDESSM_OK);
    assert_is(&csr, 3, (const char[]){1, 0, 0, 0, 1, 0, 0, 0, 1});
    assert_int_equal(repeated, 0);
    pdessm_csr_release(&csr);
}

static void an_edge_that_names_no_node_is_refused(void **state) {
    pdessm_csr csr = {0};
    int64_t repeated = -1;
    const int32_t above[][2] = {{0, 1}, {1, 3}}, below[][2] = {{0, 1}, {-1, 2}};
    assert_int_equal(pdessm_csr_build(*state, "g.csv", 3, 2, above, &csr, &repeated),
                     PDESSM_ERROR_FILE);
    assert_string_equal(pdessm_context_error(*state),
                        "g.csv: edge 1 names node 3, expected 0 to 2");
    assert_int_equal(pdessm_csr_build(*state, "g.csv", 3, 2, below, &csr, &repeated),
                     PDESSM_ERROR_FILE);
    assert_int_equal(pdessm_csr_build(*state, "g.csv", 0, 0, NULL, &csr, &repeated),
                     PDESSM_ERROR_FILE);
    assert_int_equal(
        pdessm_csr_build(*state, "g.csv", 3, INT32_MAX / 2 + 1, above, &csr, &repeated),
        PDESSM_ERROR_FILE);
    assert_null(csr.start);
}

/* matrix <- the pattern of matrix times once. */
static void multiply(char *matrix, const char *once) {
    char product[NODES * NODES] = {0};
    for (int i = 0; i < NODES; i++)
        for (int k = 0; k < NODES; k++)
            for (int j = 0; matrix[i * NODES + k] && j < NODES; j++)
                product[i * NODES + j] |= once[k * NODES + j];
    memcpy(matrix, product, sizeof product);
}

static int64_t ones(const char *matrix) {
    int64_t count = 0;
    for (int i = 0; i < NODES * NODES; i++)
        count += matrix[i];
    return count;
}

/* Ever fewer nodes, those of A and of its powers. */
static void a_selection_has_the_edges_between_its_nodes(void **state) {
    int32_t ends[EDGES][2], index[NODES], near[2 * NODES], chosen[NODES];
    char once[NODES * NODES], matrix[NODES * NODES], part[NODES * NODES];
    pdessm_csr csr = {0}, some = {0};
    int64_t repeated;
    draw_edges(7, ends);
    make_matrix(ends, once);
    memcpy(matrix, once, sizeof matrix);
    assert_int_equal(pdessm_csr_build(*state, "drawn", NODES, EDGES, ends, &csr, &repeated),
                     PDESSM_OK);
    assert_int_equal(pdessm_csr_reserve(*state, NODES, (int64_t)NODES * NODES, &some), PDESSM_OK);
    memset(index, -1, sizeof index);
    for (int power = 1; power <= 4; power++) {
        const int64_t all = ones(matrix);
        assert_int_equal(pdessm_csr_count_near(&csr, power, all, near), all);
        assert_int_equal(pdessm_csr_count_near(&csr, power, all / 2, near), all / 2 + 1);
        for (uint32_t stream = 0; stream < 6; stream++) {
            int64_t count = 0;
            for (int i = 0; i < NODES; i++)
                if (stream == 0 || i == 0 || drawn(20 + stream, i, 6) >= (int32_t)stream)
                    chosen[count++] = i;
            for (int64_t i = 0; i < count; i++)
                for (int64_t j = 0; j < count; j++)
                    part[i * count + j] = matrix[chosen[i] * NODES + chosen[j]];
            pdessm_csr_select_near(&csr, power, count, chosen, index, near, &some);
            assert_is(&some, count, part);
            if (power == 1)
                pdessm_csr_select(&csr, count, chosen, index, &some);
            assert_is(&some, count, part);
            for (int i = 0; i < NODES; i++)
                assert_int_equal(index[i], -1);
        }
        multiply(matrix, once);
    }
    pdessm_csr_release(&some);
    pdessm_csr_release(&csr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_become_rows),
        cmocka_unit_test(nodes_without_edges_keep_their_loop),
        cmocka_unit_test(an_edge_that_names_no_node_is_refused),
        cmocka_unit_test(a_selection_has_the_edges_between_its_nodes),
    };
    return cmocka_run_group_tests_name("csr", tests, setup, teardown);
}
