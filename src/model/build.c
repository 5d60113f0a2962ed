/* SPDX-License-Identifier: MIT */
/* build.c: parameters of a model on a tape, by name, and the linear layers that they make. */
#include "model/build.h"

#include <stdarg.h>
#include <stdio.h>

#include "tape/tape.h"

pdessm_tensor *pdessm_build_weight(const pdessm_builder *b, const char *format, ...) {
    char name[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    pdessm_parameter *p = pdessm_model_find(b->model, name);
    return pdessm_tape_parameter(b->tape, &p->value, p->gradient.storage ? &p->gradient : NULL);
}

pdessm_tensor *pdessm_build_linear(const pdessm_builder *b, pdessm_tensor *x, int parts,
                                   const char *format, ...) {
    char name[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return pdessm_linear(b->tape, x, pdessm_build_weight(b, "%s.weight", name),
                         pdessm_build_weight(b, "%s.bias", name), parts);
}
