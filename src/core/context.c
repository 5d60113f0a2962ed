/* SPDX-License-Identifier: MIT */
/* context.c: messages, errors and the thread pool of one context. */
#include "core/context.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pdessm_status_text(pdessm_status status) {
    switch (status) {
#define X(name, exit_code, meaning)                                                                \
    case PDESSM_##name:                                                                            \
        return meaning;
        PDESSM_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

int pdessm_status_exit_code(pdessm_status status) {
    switch (status) {
#define X(name, exit_code, meaning)                                                                \
    case PDESSM_##name:                                                                            \
        return exit_code;
        PDESSM_STATUS_LIST(X)
#undef X
    }
    return 1;
}

pdessm_status pdessm_context_create(const pdessm_context_options *options, pdessm_context **ret) {
    pdessm_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return PDESSM_ERROR_MEMORY;
    if (options) {
        ctx->log = options->log;
        ctx->log_user = options->log_user;
    }
    ctx->pool = pdessm_pool_create(options ? options->threads : 0);
    if (!ctx->pool) {
        pdessm_context_destroy(&ctx);
        return PDESSM_ERROR_MEMORY;
    }
    *ret = ctx;
    return PDESSM_OK;
}

void pdessm_context_destroy(pdessm_context **context) {
    if (!*context)
        return;
    pdessm_pool_destroy(&(*context)->pool);
    free(*context);
    *context = NULL;
}

const char *pdessm_context_error(const pdessm_context *context) {
    return context->error;
}

int pdessm_context_threads(const pdessm_context *context) {
    return pdessm_pool_workers(context->pool);
}

pdessm_status pdessm_fail(pdessm_context *ctx, pdessm_status status, const char *format, ...) {
    /* The arguments may point into the old message, so the new one is formed beside it. */
    char text[sizeof ctx->error];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(ctx->error, text, sizeof text);
    return status;
}

pdessm_status pdessm_fail_prefix(pdessm_context *ctx, pdessm_status status, const char *format,
                                 ...) {
    char text[sizeof ctx->error];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, ": %s", ctx->error);
    memcpy(ctx->error, text, sizeof text);
    return status;
}

void pdessm_log(pdessm_context *ctx, pdessm_log_level level, const char *format, ...) {
    if (!ctx->log)
        return;
    char text[sizeof ctx->error];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ctx->log(ctx->log_user, level, text);
}

pdessm_status pdessm_alloc(pdessm_context *ctx, size_t count, size_t size, void *ret_pointer) {
    void *pointer = NULL;
    if (size == 0 || count <= SIZE_MAX / size)
        pointer = calloc(count ? count : 1, size ? size : 1);
    if (!pointer)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: %zu x %zu bytes wanted", count,
                           size);
    memcpy(ret_pointer, &pointer, sizeof pointer);
    return PDESSM_OK;
}
