/* SPDX-License-Identifier: MIT */
/* op.c: the operator table as data. */
#include "device/op.h"

#include <stdio.h>
#include <string.h>

#include "core/value.h"

#define OP(name, letters, operands, attributes, meaning)                                           \
    extern const pdessm_descriptor pdessm_descriptor_##name;
#include "ops/ops.def"
#undef OP

static const pdessm_op_row rows[] = {
#define OP(name, letters, operands, attributes, meaning)                                           \
    {#name, letters, operands, attributes, meaning, &pdessm_descriptor_##name},
#include "ops/ops.def"
#undef OP
};

const pdessm_op_row *pdessm_op_get(pdessm_op op) {
    return &rows[op];
}

pdessm_op pdessm_op_find(const char *name) {
    int op = 0;
    while (op < PDESSM_OP_COUNT && strcmp(rows[op].name, name) != 0)
        op++;
    return (pdessm_op)op;
}

int pdessm_op_operands(pdessm_op op) {
    return (int)strlen(rows[op].letters);
}

int pdessm_op_differentiable(pdessm_op op) {
    return rows[op].descriptor->host[PDESSM_BACKWARD] != NULL;
}

pdessm_op_name_text pdessm_op_name(const char *names, int n) {
    pdessm_op_name_text name;
    const char *word;
    const int length = pdessm_word_at(names, n, &word);
    snprintf(name.text, sizeof name.text, "%.*s", length, word);
    return name;
}

int pdessm_letter_has_gradient(char letter) {
    return strchr("rRoOwW", letter) != NULL;
}

int pdessm_letter_is_output(char letter) {
    return strchr("wWs", letter) != NULL;
}

int pdessm_letter_is_optional(char letter) {
    return strchr("oO", letter) != NULL;
}

int pdessm_letter_is_kept(char letter) {
    return strchr("ROWsi", letter) != NULL;
}

int pdessm_call_needs(const pdessm_call *call, int i) {
    const pdessm_op_row *row = pdessm_op_get(call->op);
    return pdessm_letter_is_kept(row->letters[i]) &&
           (!row->descriptor->needs || row->descriptor->needs(call, i));
}
