/* SPDX-License-Identifier: MIT */
/* data_fixture.h: a context that keeps its messages, and a separate folder for each test. */
#ifndef PDESSM_TESTS_DATA_FIXTURE_H
#define PDESSM_TESTS_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/context.h"
#include "files/atomic_dir.h"
#include "files/atomic_file.h"

typedef struct fixture {
    pdessm_context *ctx;
    char folder[64];
    char path[8][256]; /* the last paths that fixture_path made */
    int next;
    char log[2048]; /* the last message that was not an error */
} fixture;

static inline void fixture_log(void *user, pdessm_log_level level, const char *text) {
    (void)level;
    snprintf(((fixture *)user)->log, sizeof((fixture *)user)->log, "%s", text);
}

static inline int fixture_setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return 1;
    const pdessm_context_options options = {.threads = 2, .log = fixture_log, .log_user = f};
    snprintf(f->folder, sizeof f->folder, "/tmp/pdessm-test-XXXXXX");
    *state = f;
    return !mkdtemp(f->folder) || pdessm_context_create(&options, &f->ctx) != PDESSM_OK;
}

static inline int fixture_teardown(void **state) {
    fixture *f = *state;
    pdessm_status status = pdessm_remove_tree(f->ctx, f->folder);
    pdessm_context_destroy(&f->ctx);
    free(f);
    return status != PDESSM_OK;
}

/* A path inside the test's folder; eight are alive at a time. */
static inline const char *fixture_path(fixture *f, const char *name) {
    char *path = f->path[f->next++ % 8];
    snprintf(path, sizeof f->path[0], "%s/%s", f->folder, name);
    return path;
}

static inline const char *fixture_mkdir(fixture *f, const char *name) {
    const char *path = fixture_path(f, name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static inline const char *fixture_write(fixture *f, const char *name, const void *data,
                                        size_t bytes) {
    const char *path = fixture_path(f, name);
    assert_int_equal(pdessm_write_file(f->ctx, path, data, bytes), PDESSM_OK);
    return path;
}

#define assert_ok(f, call)                                                                         \
    do {                                                                                           \
        if ((call) != PDESSM_OK)                                                                   \
            fail_msg("%s: %s", #call, pdessm_context_error((f)->ctx));                             \
    } while (0)

/* The call fails that way, with a message of one line that holds `text`. */
#define assert_fails(f, call, code, text)                                                          \
    do {                                                                                           \
        assert_int_equal((call), (code));                                                          \
        const char *message_ = pdessm_context_error((f)->ctx);                                     \
        if (!strstr(message_, (text)) || strchr(message_, '\n'))                                   \
            fail_msg("message \"%s\" lacks \"%s\" or has two lines", message_, (text));            \
    } while (0)

#define data_test(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
