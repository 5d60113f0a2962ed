/* SPDX-License-Identifier: MIT */
/* context.h: inside of the context, and the way every function reports failure.
 *
 * The room `core` is what every other room stands on: status and messages, allocation, threads,
 * random numbers by counter, clocks, progress, and values as text. It knows nothing of arrays,
 * files or devices. */
#ifndef PDESSM_CORE_CONTEXT_H
#define PDESSM_CORE_CONTEXT_H

#include <stddef.h>

#include <pdessm/context.h>

#include "core/pool.h"

struct pdessm_context {
    pdessm_log_fn log;
    void *log_user;
    pdessm_pool *pool;
    char error[2048];
};

#if defined(__GNUC__)
#define PDESSM_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PDESSM_PRINTF(text, first)
#endif

/* Keeps the message in the context and returns the status, so that a failure is one line:
 * return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: no magic number; is it an IDX file?", path); */
pdessm_status pdessm_fail(pdessm_context *ctx, pdessm_status status, const char *format, ...)
    PDESSM_PRINTF(3, 4);

/* Puts "prefix: " in front of the message that a callee left; returns status. */
pdessm_status pdessm_fail_prefix(pdessm_context *ctx, pdessm_status status, const char *format, ...)
    PDESSM_PRINTF(3, 4);

void pdessm_log(pdessm_context *ctx, pdessm_log_level level, const char *format, ...)
    PDESSM_PRINTF(3, 4);

/* Runs a fallible call in a function that has `pdessm_status status` and a label `out`. */
#define PDESSM_TRY(call)                                                                           \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != PDESSM_OK)                                                                   \
            goto out;                                                                              \
    } while (0)

/* The same for a condition: keeps the message and leaves through `out`. */
#define PDESSM_REQUIRE(ctx, condition, code, ...)                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            status = pdessm_fail(ctx, code, __VA_ARGS__);                                          \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* Zeroed memory for count elements of the given size; fails with a message on overflow too. */
pdessm_status pdessm_alloc(pdessm_context *ctx, size_t count, size_t size, void *ret_pointer);

#endif
