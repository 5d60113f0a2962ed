/* SPDX-License-Identifier: MIT */
/* names.c: the names of an enum: places and messages. */
#include "core/names.h"

#include <stdio.h>
#include <string.h>

pdessm_names_text pdessm_names_list(const char *const *names, const char *quote) {
    pdessm_names_text t = {""};
    for (size_t i = 0, used = 0; names[i] && used < sizeof t.text; i++)
        used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%s%s%s",
                                 i == 0         ? ""
                                 : names[i + 1] ? ", "
                                                : " or ",
                                 quote, names[i], quote);
    return t;
}

int pdessm_names_place(const char *const *names, const char *name) {
    for (int i = 0; name && names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

pdessm_status pdessm_names_find(pdessm_context *ctx, const char *what, const char *const *names,
                                const char *name, int *ret) {
    const int place = pdessm_names_place(names, name);
    if (place < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "no %s '%s'; expected %s", what, name,
                           pdessm_names_list(names, "").text);
    *ret = place;
    return PDESSM_OK;
}
