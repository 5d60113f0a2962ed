/* SPDX-License-Identifier: MIT */
/* names.h: the values of an enum and their names, in both directions, from one list macro
 * LIST(X) X(IDENTIFIER, "name", ..) in the order of the enum. */
#ifndef PDESSM_CORE_NAMES_H
#define PDESSM_CORE_NAMES_H

#include "core/context.h"

#define PDESSM_NAME(id, name, ...) name,
/* An initialiser of const char *const names[]; ends with NULL. */
#define PDESSM_NAMES(LIST)                                                                         \
    { LIST(PDESSM_NAME) NULL }

/* How many there are; a constant. */
#define PDESSM_NAME_ONE(...) +1
#define PDESSM_NAME_COUNT(LIST) (LIST(PDESSM_NAME_ONE))

/* "a, b or c"; quote: what stands around each name. */
typedef struct pdessm_names_text {
    char text[256];
} pdessm_names_text;
pdessm_names_text pdessm_names_list(const char *const *names, const char *quote);

/* The place of a name, or -1. */
int pdessm_names_place(const char *const *names, const char *name);

/* The same; ERROR_ARGUMENT for -1: "no solver 'x'; expected euler or heun". */
pdessm_status pdessm_names_find(pdessm_context *ctx, const char *what, const char *const *names,
                                const char *name, int *ret);

/* Defines PREFIX_name(value), NULL for what is no value, and PREFIX_find(ctx, name, &value). */
#define PDESSM_DEFINE_NAMES(PREFIX, type, LIST, what)                                              \
    static const char *const PREFIX##_names[] = PDESSM_NAMES(LIST);                                \
    const char *PREFIX##_name(type value) {                                                        \
        return (size_t)value < (size_t)PDESSM_NAME_COUNT(LIST) ? PREFIX##_names[value] : NULL;     \
    }                                                                                              \
    pdessm_status PREFIX##_find(pdessm_context *ctx, const char *name, type *ret) {                \
        int place = 0;                                                                             \
        const pdessm_status status = pdessm_names_find(ctx, what, PREFIX##_names, name, &place);   \
        if (status == PDESSM_OK)                                                                   \
            *ret = (type)place;                                                                    \
        return status;                                                                             \
    }

#endif
