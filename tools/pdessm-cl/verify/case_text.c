/* SPDX-License-Identifier: MIT */
/* case_text.c: a drawn call in words, for tables and messages. */
#include <stdio.h>

#include "cases.h"
#include "opcall.h"

cli_case_text pdessm_cli_case_text(const cli_case *k) {
    const pdessm_op_row *row = pdessm_op_get(k->op);
    cli_case_text t = {""};
    size_t used = 0;
    for (int i = 0; row->letters[i] && used < sizeof t.text; i++) {
        pdessm_tensor shape = {.rank = k->operand[i].rank};
        for (int d = 0; d < shape.rank; d++)
            shape.dims[d] = k->operand[i].dims[d];
        if (k->operand[i].fill != CLI_ABSENT)
            used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%s %s",
                                     used ? " " : "", pdessm_cli_op_name(row->operands, i).text,
                                     pdessm_tensor_shape(&shape).text);
    }
    for (int i = 0; *pdessm_cli_op_name(row->attributes, i).text && used < sizeof t.text; i++)
        used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%s %g", used ? " " : "",
                                 pdessm_cli_op_name(row->attributes, i).text, k->attribute[i]);
    return t;
}
