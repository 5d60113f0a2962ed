/* SPDX-License-Identifier: MIT */
/* context.h: the ground every other object stands on: messages, errors, threads. */
#ifndef PDESSM_CONTEXT_H
#define PDESSM_CONTEXT_H

#include <pdessm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_context pdessm_context;

typedef enum pdessm_log_level {
    PDESSM_LOG_NOTE,    /* worth knowing */
    PDESSM_LOG_WARNING, /* something works differently from what was asked */
} pdessm_log_level;

/* Receives one line without a newline. Called on the thread that called the library. */
typedef void (*pdessm_log_fn)(void *user, pdessm_log_level level, const char *text);

/* All zero is a good start: as many threads as the process may use, no messages. */
typedef struct pdessm_context_options {
    int threads;       /* 0: one for each CPU that the process may run on */
    pdessm_log_fn log; /* NULL: messages are dropped */
    void *log_user;
} pdessm_context_options;

/* Creates a context; options may be NULL. The only failure is ERROR_MEMORY. A context and all that
 * is made from it are used from one thread at a time; several contexts are independent. */
PDESSM_API pdessm_status pdessm_context_create(const pdessm_context_options *options,
                                               pdessm_context **ret);

/* Destroys a context after everything made from it; accepts NULL, nulls the handle. */
PDESSM_API void pdessm_context_destroy(pdessm_context **context);

/* One line about the last failure: what was wrong, where, what was expected, what to do.
 * Valid until the next failure in this context; "" before the first. */
PDESSM_API const char *pdessm_context_error(const pdessm_context *context);

/* The number of threads that operators in plain C run on. */
PDESSM_API int pdessm_context_threads(const pdessm_context *context);

#ifdef __cplusplus
}
#endif
#endif
