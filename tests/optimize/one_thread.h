/* SPDX-License-Identifier: MIT */
/* one_thread.h: the context of a unit test that needs one and no second thread. */
#ifndef PDESSM_TESTS_ONE_THREAD_H
#define PDESSM_TESTS_ONE_THREAD_H

#include <pdessm/context.h>

static pdessm_context *ctx;

static int setup(void **state) {
    (void)state;
    return pdessm_context_create(&(pdessm_context_options){.threads = 1}, &ctx) != PDESSM_OK;
}

static int teardown(void **state) {
    (void)state;
    pdessm_context_destroy(&ctx);
    return 0;
}

#endif
