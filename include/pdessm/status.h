/* SPDX-License-Identifier: MIT */
/* status.h: what a function that can fail returns. */
#ifndef PDESSM_STATUS_H
#define PDESSM_STATUS_H

#include <pdessm/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, exit code of the command line, meaning). */
#define PDESSM_STATUS_LIST(X)                                                                      \
    X(OK, 0, "done")                                                                               \
    X(ERROR_FAILED, 1, "failed")                                                                   \
    X(ERROR_MEMORY, 1, "out of memory")                                                            \
    X(ERROR_UNSUPPORTED, 1, "not supported here")                                                  \
    X(ERROR_NUMERIC, 1, "a value is not finite")                                                   \
    X(ERROR_IO, 1, "cannot read or write")                                                         \
    X(ERROR_ARGUMENT, 2, "wrong argument")                                                         \
    X(ERROR_SHAPE, 2, "shapes do not fit together")                                                \
    X(ERROR_DEVICE, 3, "no such device")                                                           \
    X(ERROR_FILE, 4, "bad input file")                                                             \
    X(ERROR_CHECK, 5, "a check failed")                                                            \
    X(ERROR_CANCELLED, 130, "interrupted")

typedef enum pdessm_status {
#define X(name, exit_code, meaning) PDESSM_##name,
    PDESSM_STATUS_LIST(X)
#undef X
} pdessm_status;

/* The meaning of a status in English; never NULL. The text of one particular failure is kept by
 * the context, see pdessm_context_error(). */
PDESSM_API const char *pdessm_status_text(pdessm_status status);

/* The exit code that the command line program gives this status. */
PDESSM_API int pdessm_status_exit_code(pdessm_status status);

#ifdef __cplusplus
}
#endif
#endif
