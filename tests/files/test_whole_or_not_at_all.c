/* SPDX-License-Identifier: MIT */
/* test_whole_or_not_at_all.c: files and folders appear whole or not at all. */
#include "data_fixture.h"

#include "files/file.h"

static int exists(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static void expect_text(fixture *f, const char *path, const char *text) {
    pdessm_bytes bytes = {0};
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
    pdessm_bytes_release(&bytes);
}

static void file_keeps_the_old_until_the_end(void **state) {
    fixture *f = *state;
    const char *path = fixture_write(f, "file", "old", 3);
    pdessm_output *output = NULL;
    assert_ok(f, pdessm_output_create(f->ctx, path, -1, &output));
    assert_ok(f, pdessm_output_write(output, "newer", 5));
    expect_text(f, path, "old");
    assert_ok(f, pdessm_output_finish(output));
    pdessm_output_destroy(&output);
    expect_text(f, path, "newer");
    assert_ok(f, pdessm_output_create(f->ctx, path, 100, &output));
    pdessm_output_destroy(&output); /* given up */
    expect_text(f, path, "newer");
    assert_fails(f, pdessm_write_file(f->ctx, f->folder, "", 0), PDESSM_ERROR_IO, "is a folder");
    assert_fails(f, pdessm_write_file(f->ctx, "/nonexistent/a", "", 0), PDESSM_ERROR_IO,
                 "/nonexistent/a: cannot create: No such file");
    assert_ok(f, pdessm_write_file(f->ctx, "/dev/null", "x", 1));
}

static void put(fixture *f, const pdessm_atomic_dir *directory, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/model", pdessm_atomic_dir_path(directory));
    assert_ok(f, pdessm_write_file(f->ctx, path, text, strlen(text)));
}

static void folder_is_published(void **state) {
    fixture *f = *state;
    const char *path = fixture_path(f, "step-1"), *model = fixture_path(f, "step-1/model");
    char temporary[512];
    pdessm_atomic_dir *directory = NULL;
    assert_ok(f, pdessm_atomic_dir_create(f->ctx, path, &directory));
    snprintf(temporary, sizeof temporary, "%s", pdessm_atomic_dir_path(directory));
    put(f, directory, "one");
    assert_false(exists(path));
    assert_false(pdessm_dir_is_complete(temporary));
    assert_ok(f, pdessm_atomic_dir_publish(directory));
    pdessm_atomic_dir_destroy(&directory);
    assert_true(pdessm_dir_is_complete(path));
    assert_false(exists(temporary));
    expect_text(f, model, "one");
    /* Again, over the old one. */
    assert_ok(f, pdessm_atomic_dir_create(f->ctx, path, &directory));
    put(f, directory, "two");
    expect_text(f, model, "one");
    assert_ok(f, pdessm_atomic_dir_publish(directory));
    pdessm_atomic_dir_destroy(&directory);
    expect_text(f, model, "two");
    assert_false(exists(temporary));
}

static void folder_given_up_leaves_nothing(void **state) {
    fixture *f = *state;
    const char *path = fixture_path(f, "step-2/");
    char temporary[512];
    pdessm_atomic_dir *directory = NULL;
    assert_ok(f, pdessm_atomic_dir_create(f->ctx, path, &directory));
    snprintf(temporary, sizeof temporary, "%s", pdessm_atomic_dir_path(directory));
    put(f, directory, "lost");
    assert_true(exists(temporary));
    pdessm_atomic_dir_destroy(&directory);
    assert_null(directory);
    assert_false(exists(temporary));
    assert_false(exists(path));
    assert_false(pdessm_dir_is_complete(path));
    assert_false(pdessm_dir_is_complete(fixture_mkdir(f, "unmarked")));
}

static void removal_does_not_follow_links(void **state) {
    fixture *f = *state;
    const char *kept = fixture_mkdir(f, "kept"), *file = fixture_write(f, "kept/file", "x", 1);
    const char *tree = fixture_mkdir(f, "tree");
    fixture_mkdir(f, "tree/inner");
    assert_int_equal(symlink(kept, fixture_path(f, "tree/inner/link")), 0);
    assert_ok(f, pdessm_remove_tree(f->ctx, tree));
    assert_false(exists(tree));
    assert_true(exists(file));
    assert_ok(f, pdessm_remove_tree(f->ctx, tree)); /* absent is fine */
}

static void parents(void **state) {
    fixture *f = *state;
    static const char *const cases[][2] = {{"a", "."},      {"a/b", "a"},  {"/a", "/"},
                                           {"/a/b/", "/a"}, {"a//b", "a"}, {"/", "/"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *parent = NULL;
        assert_ok(f, pdessm_path_parent(f->ctx, cases[i][0], &parent));
        assert_string_equal(parent, cases[i][1]);
        free(parent);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(file_keeps_the_old_until_the_end),
        data_test(folder_is_published),
        data_test(folder_given_up_leaves_nothing),
        data_test(removal_does_not_follow_links),
        data_test(parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
