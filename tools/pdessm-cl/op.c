/* SPDX-License-Identifier: MIT */
/* op.c: `op`: one operator on tensors from a safetensors file, for comparing with other programs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/ops.h>
#include <pdessm/safetensors.h>

#include "shared/options.h"
#include "shared/print.h"
#include "verify/verify.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_op = {
    .name = "op",
    .meaning = "runs one operator on tensors from a safetensors file",
    .arguments = "NAME --in F --out F [--grad] | --list",
    .example = PDESSM_CLI_PROGRAM " op gelu --in x.safetensors --out y.safetensors --device cpu",
    .prints_result = 1,
    .run = run,
};

/* ------------------------------------------------------------------ --list */

static void list_json_names(cJSON *row, const char *key, const pdessm_op_row *op, int outputs) {
    cJSON *array = pdessm_cli_json_array(row, key);
    for (int i = 0; op->letters[i]; i++) {
        char letter = op->letters[i];
        int is_output = letter != 's' && pdessm_letter_is_output(letter);
        if (letter == 's' || (letter != 'm' && is_output != outputs))
            continue;
        cJSON *item = pdessm_cli_json_row(array);
        pdessm_cli_json_text(item, "name", pdessm_op_name(op->operands, i).text);
        pdessm_cli_json_text(item, "dtype", letter == 'i' ? "int32" : "float32");
        if (!outputs)
            pdessm_cli_json_bool(item, "optional", pdessm_letter_is_optional(letter));
    }
}

static void list_as_json(cli *c) {
    cJSON *json = pdessm_cli_json_begin(c);
    cJSON *rows = pdessm_cli_json_array(json, "operators");
    for (int op = 0; op < PDESSM_OP_COUNT; op++) {
        const pdessm_op_row *r = pdessm_op_get((pdessm_op)op);
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_text(row, "name", r->name);
        list_json_names(row, "inputs", r, 0);
        cJSON *attributes = pdessm_cli_json_array(row, "attributes");
        for (int i = 0; *pdessm_op_name(r->attributes, i).text; i++)
            cJSON_AddItemToArray(attributes, pdessm_cli_need(cJSON_CreateString(
                                                 pdessm_op_name(r->attributes, i).text)));
        list_json_names(row, "outputs", r, 1);
        pdessm_cli_json_bool(row, "gradient", pdessm_op_differentiable((pdessm_op)op));
        pdessm_cli_json_text(row, "meaning", r->meaning);
    }
    pdessm_cli_json_print(json);
}

/* "x weight [bias]": operands in the direction asked for; those modified in place are in both. */
static void join_names(const pdessm_op_row *op, int outputs, char *ret, size_t size) {
    size_t used = 0;
    ret[0] = '\0';
    for (int i = 0; op->letters[i] && used < size; i++) {
        char letter = op->letters[i];
        int is_output = letter != 's' && pdessm_letter_is_output(letter);
        if (letter == 's' || (letter != 'm' && is_output != outputs))
            continue;
        int optional = pdessm_letter_is_optional(letter);
        used += (size_t)snprintf(ret + used, size - used, "%s%s%s%s", used ? " " : "",
                                 optional ? "[" : "", pdessm_op_name(op->operands, i).text,
                                 optional ? "]" : "");
    }
}

static void list_as_text(void) {
    cli_table *table = pdessm_cli_table_create("LLLLLL");
    pdessm_cli_table_row(table, "operator\tinputs\tattributes\toutputs\tgradient\tmeaning");
    for (int op = 0; op < PDESSM_OP_COUNT; op++) {
        const pdessm_op_row *r = pdessm_op_get((pdessm_op)op);
        char inputs[256], outputs[256];
        join_names(r, 0, inputs, sizeof inputs);
        join_names(r, 1, outputs, sizeof outputs);
        pdessm_cli_table_row(table, "%s\t%s\t%s\t%s\t%s\t%s", r->name, inputs, r->attributes,
                             outputs, pdessm_op_differentiable((pdessm_op)op) ? "yes" : "no",
                             r->meaning);
    }
    pdessm_cli_table_print(table, stdout);
}

/* ------------------------------------------------------------------ the input file */

typedef struct job {
    cli *c;
    const char *name, *in, *out;
    int grad;
    pdessm_op op;
    pdessm_safetensors *file;
    pdessm_opcall call;
} job;

/* One attribute from __metadata__; an absent one stays 0, which operators take for their default
 * or refuse. */
static pdessm_status read_attribute(job *j, int i) {
    pdessm_op_name_text name = pdessm_op_name(j->call.row->attributes, i);
    const char *text = pdessm_safetensors_metadata(j->file, name.text);
    char *end;
    if (!text)
        return PDESSM_OK;
    if (strcmp(name.text, "solution") == 0) {
        pdessm_solution solution = PDESSM_EVOLVE;
        const pdessm_status status = pdessm_solution_find(j->c->ctx, text, &solution);
        j->call.call.attribute[i] = solution;
        return status == PDESSM_OK ? status
                                   : pdessm_fail_prefix(j->c->ctx, PDESSM_ERROR_FILE,
                                                        "%s: attribute solution", j->in);
    }
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return pdessm_fail(j->c->ctx, PDESSM_ERROR_FILE,
                           "%s: attribute %s is '%s', expected a number", j->in, name.text, text);
    j->call.call.attribute[i] = value;
    return PDESSM_OK;
}

static pdessm_status check_extents(job *j, const pdessm_safetensors_entry *e) {
    int good = e->rank >= 1 && e->rank <= PDESSM_MAX_RANK;
    for (int i = 0; i < e->rank; i++)
        good = good && e->dims[i] >= 1;
    return good ? PDESSM_OK
                : pdessm_fail(j->c->ctx, PDESSM_ERROR_FILE,
                              "%s: tensor %s has rank %d and %lld elements, expected 1 to %d "
                              "extents of at least 1",
                              j->in, e->name, e->rank, (long long)e->count, PDESSM_MAX_RANK);
}

static pdessm_status read_floats(job *j, const pdessm_safetensors_entry *e, float **ret) {
    float *values = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(check_extents(j, e));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)e->count, sizeof *values, &values));
    PDESSM_TRY(pdessm_safetensors_read_float(j->file, e, values));
    *ret = values;
    values = NULL;
out:
    free(values);
    return status;
}

/* Integers of any width. They count rows of the first operand, which the file has to have before
 * this is called: operators answer an index outside of it with NaN. */
static pdessm_status read_indices(job *j, const pdessm_safetensors_entry *e, int32_t **ret) {
    const pdessm_tensor *table = j->call.call.operand[0];
    const int64_t rows = table ? pdessm_tensor_dims(table)[0] : 0;
    int64_t *wide = NULL;
    int32_t *values = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(check_extents(j, e));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)e->count, sizeof *wide, &wide));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)e->count, sizeof *values, &values));
    PDESSM_TRY(pdessm_safetensors_read_int(j->file, e, wide));
    for (int64_t i = 0; i < e->count; i++) {
        PDESSM_REQUIRE(j->c->ctx, wide[i] >= 0 && wide[i] < rows, PDESSM_ERROR_FILE,
                       "%s: tensor %s holds %lld, expected 0 to %lld", j->in, e->name,
                       (long long)wide[i], (long long)rows - 1);
        values[i] = (int32_t)wide[i];
    }
    *ret = values;
    values = NULL;
out:
    free(wide);
    free(values);
    return status;
}

static pdessm_status read_operand(job *j, int i) {
    const char *name = pdessm_op_name(j->call.row->operands, i).text;
    const pdessm_safetensors_entry *e = pdessm_safetensors_find(j->file, name);
    void *values = NULL;
    pdessm_status status = PDESSM_OK;
    if (!e)
        return PDESSM_OK;
    if (j->call.row->letters[i] == 'i')
        PDESSM_TRY(read_indices(j, e, (int32_t **)&values));
    else
        PDESSM_TRY(read_floats(j, e, (float **)&values));
    PDESSM_TRY(pdessm_opcall_set(&j->call, i, e->rank, e->dims, values));
out:
    free(values);
    return status;
}

/* grad.OUTPUT for every output; then a place for grad.INPUT of every float input present. */
static pdessm_status read_gradients(job *j) {
    pdessm_status status = PDESSM_OK;
    const pdessm_safetensors_entry *e = NULL;
    float *values = NULL;
    for (int i = 0; j->call.row->letters[i]; i++) {
        char letter = j->call.row->letters[i], name[64];
        const pdessm_tensor *operand = j->call.call.operand[i];
        if (!operand || !pdessm_letter_has_gradient(letter))
            continue;
        if (!pdessm_letter_is_output(letter)) {
            PDESSM_TRY(pdessm_opcall_set_gradient(&j->call, i, NULL));
            continue;
        }
        snprintf(name, sizeof name, "grad.%s", pdessm_op_name(j->call.row->operands, i).text);
        PDESSM_TRY(pdessm_safetensors_expect(j->file, name, pdessm_tensor_rank(operand),
                                             pdessm_tensor_dims(operand), &e));
        PDESSM_TRY(read_floats(j, e, &values));
        PDESSM_TRY(pdessm_opcall_set_gradient(&j->call, i, values));
        free(values);
        values = NULL;
    }
out:
    free(values);
    return status;
}

/* Whatever the operator refuses was found in the file. */
static pdessm_status blame_file(job *j, pdessm_status status) {
    if (status != PDESSM_ERROR_ARGUMENT && status != PDESSM_ERROR_SHAPE)
        return status;
    return pdessm_fail_prefix(j->c->ctx, PDESSM_ERROR_FILE, "%s", j->in);
}

static pdessm_status read_call(job *j) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_safetensors_open(j->c->ctx, j->in, &j->file));
    for (int i = 0; *pdessm_op_name(j->call.row->attributes, i).text; i++)
        PDESSM_TRY(read_attribute(j, i));
    for (int i = 0; j->call.row->letters[i]; i++)
        if (!pdessm_letter_is_output(j->call.row->letters[i]))
            PDESSM_TRY(read_operand(j, i));
    PDESSM_TRY(pdessm_opcall_make_outputs(&j->call));
    if (j->grad)
        PDESSM_TRY(read_gradients(j));
out:
    return blame_file(j, status);
}

/* ------------------------------------------------------------------ the output file */

enum { RESULTS = 2 * PDESSM_MAX_OPERANDS };

/* Outputs and operands modified in place under their own names, then gradients of inputs. */
static int list_results(job *j, pdessm_tensor *tensors[RESULTS],
                        pdessm_safetensors_tensor entries[RESULTS]) {
    int n = 0;
    for (int i = 0; j->call.row->letters[i]; i++)
        if (strchr("wWm", j->call.row->letters[i]))
            tensors[n++] = j->call.call.operand[i];
    for (int i = 0; j->grad && j->call.row->letters[i]; i++)
        if (j->call.call.gradient[i] && !pdessm_letter_is_output(j->call.row->letters[i]))
            tensors[n++] = j->call.call.gradient[i];
    for (int k = 0; k < n; k++) {
        entries[k] = (pdessm_safetensors_tensor){.dtype = PDESSM_FILE_F32,
                                                 .rank = pdessm_tensor_rank(tensors[k])};
        memcpy(entries[k].dims, pdessm_tensor_dims(tensors[k]),
               sizeof *entries->dims * (size_t)entries[k].rank);
        for (int i = 0; j->call.row->letters[i]; i++) {
            pdessm_op_name_text name = pdessm_op_name(j->call.row->operands, i);
            if (tensors[k] == j->call.call.operand[i])
                entries[k].name = pdessm_cli_text(j->c, "%s", name.text);
            if (tensors[k] == j->call.call.gradient[i])
                entries[k].name = pdessm_cli_text(j->c, "grad.%s", name.text);
        }
    }
    return n;
}

static pdessm_status write_results(job *j) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *tensors[RESULTS];
    pdessm_safetensors_tensor entries[RESULTS];
    pdessm_safetensors_writer *writer = NULL;
    float *values = NULL;
    const pdessm_safetensors_pair about = {"operator", j->name};
    int n = list_results(j, tensors, entries);
    PDESSM_TRY(pdessm_safetensors_writer_create(j->c->ctx, j->out, &about, 1, entries, n, &writer));
    for (int k = 0; k < n; k++) {
        size_t count = (size_t)pdessm_tensor_count(tensors[k]);
        PDESSM_TRY(pdessm_alloc(j->c->ctx, count, sizeof *values, &values));
        PDESSM_TRY(pdessm_tensor_read(tensors[k], values));
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, values, count * sizeof *values));
        free(values);
        values = NULL;
    }
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    free(values);
    pdessm_safetensors_writer_destroy(&writer);
    return status;
}

/* ------------------------------------------------------------------ the command */

static pdessm_status check_usage(job *j) {
    pdessm_context *ctx = j->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, j->name && j->in && j->out, PDESSM_ERROR_ARGUMENT,
                   "%s is missing; expected NAME --in F --out F, or --list",
                   !j->name ? "the operator's name"
                   : !j->in ? "--in"
                            : "--out");
    j->op = pdessm_op_find(j->name);
    PDESSM_REQUIRE(ctx, j->op != PDESSM_OP_COUNT, PDESSM_ERROR_ARGUMENT,
                   "no operator '%s'; `pdessm-cl op --list` shows them", j->name);
    PDESSM_REQUIRE(ctx, !j->grad || pdessm_op_differentiable(j->op), PDESSM_ERROR_ARGUMENT,
                   "operator %s has no gradient; leave --grad out", j->name);
out:
    return status;
}

static pdessm_status run(cli *c) {
    job j = {.c = c};
    int list = 0;
    cli_option options[] = {
        {"in", 0, CLI_TEXT, &j.in, "FILE", "inputs, with attributes in __metadata__"},
        {"out", 'o', CLI_TEXT, &j.out, "FILE", "where to write the outputs"},
        {"grad", 0, CLI_FLAG, &j.grad, NULL,
         "also write grad.INPUT, given grad.OUTPUT among the inputs"},
        {"list", 'l', CLI_FLAG, &list, NULL,
         "list the operators with their inputs, attributes and outputs"},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"NAME", &j.name}, 1));
    if (list) {
        PDESSM_REQUIRE(c->ctx, !j.name && !j.in && !j.out, PDESSM_ERROR_ARGUMENT,
                       "--list takes no other argument");
        c->format == CLI_FORMAT_JSON ? list_as_json(c) : list_as_text();
        return PDESSM_OK;
    }
    PDESSM_TRY(check_usage(&j));
    PDESSM_TRY(pdessm_cli_open_device(c));
    j.call = pdessm_opcall_begin(c->device, j.op);
    PDESSM_TRY(read_call(&j));
    PDESSM_TRY(pdessm_opcall_run(&j.call, PDESSM_FORWARD));
    if (j.grad)
        PDESSM_TRY(pdessm_opcall_run(&j.call, PDESSM_BACKWARD));
    PDESSM_TRY(write_results(&j));
out:
    pdessm_opcall_end(&j.call);
    pdessm_safetensors_destroy(&j.file);
    return status;
}
