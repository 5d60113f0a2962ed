/* SPDX-License-Identifier: MIT */
/* verify.c: `verify`: every operator and a whole network on a device against plain C. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shared/network.h"
#include "shared/options.h"
#include "shared/print.h"
#include "shared/progress.h"
#include "verify/verify.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_verify = {
    .name = "verify",
    .meaning = "checks operators and a network step against plain C",
    .arguments = "",
    .example = PDESSM_CLI_PROGRAM " verify --device 0:0 --cases 50",
    .prints_result = 1,
    .run = run,
};

/* One line of the answer. */
typedef struct verdict {
    char name[48], place[16];
    const char *pass;
    int64_t cases, failed;
    pdessm_deviation worst; /* by share of the tolerance */
    uint64_t seed;          /* of the worst case */
    char problem[512];
} verdict;

enum { MOST_VERDICTS = 2 * PDESSM_OP_COUNT + 8 };

typedef struct job {
    cli *c;
    pdessm_device *reference;
    const char *only;
    int64_t cases;
    verdict list[MOST_VERDICTS];
    int count;
} job;

static const char *const passes[] = {"forward", "backward"};

/* ------------------------------------------------------------------ operators */

static void take(verdict *v, pdessm_deviation e, uint64_t seed, const char *text) {
    int fails = !(e.error <= e.tolerance);
    v->cases++;
    if (fails && !v->failed)
        snprintf(v->problem, sizeof v->problem, "--seed %llu --cases 1: %s",
                 (unsigned long long)seed, text);
    v->failed += fails;
    if (v->cases == 1 || !(e.error / e.tolerance <= v->worst.error / v->worst.tolerance)) {
        v->worst = e;
        v->seed = seed;
    }
}

/* Where the operator ran, which is known once it has. */
static void note_place(job *j, verdict *v, pdessm_op op, int pass) {
    pdessm_device *d = j->c->device;
    int remote = d->backend && pdessm_op_get(op)->descriptor->launch[pass] && !d->on_host[op][pass];
    snprintf(v->place, sizeof v->place, "%s", remote ? "device" : "plain C");
}

static pdessm_status verify_operator(job *j, cli_progress *bar, pdessm_op op) {
    pdessm_status status = PDESSM_OK;
    int both = pdessm_op_differentiable(op);
    verdict *v = &j->list[j->count];
    for (int pass = 0; pass <= both; pass++) {
        v[pass] = (verdict){.pass = passes[pass]};
        snprintf(v[pass].name, sizeof v->name, "%s", pdessm_op_get(op)->name);
    }
    j->count += 1 + both;
    for (int64_t i = 0; i < j->cases; i++) {
        pdessm_case k;
        pdessm_deviation e[2];
        uint64_t seed = (uint64_t)(j->c->seed + i);
        pdessm_case_draw(op, NULL, seed, &k);
        status = pdessm_case_compare(&k, j->c->device, j->reference, e);
        if (status != PDESSM_OK)
            return pdessm_fail_prefix(j->c->ctx, status, "%s, --seed %llu, %s",
                                      pdessm_op_get(op)->name, (unsigned long long)seed,
                                      pdessm_case_describe(&k).text);
        for (int pass = 0; pass <= both; pass++)
            take(&v[pass], e[pass], seed, pdessm_case_describe(&k).text);
        pdessm_cli_progress_update(
            bar, ((double)op + (double)(i + 1) / (double)j->cases) / PDESSM_OP_COUNT,
            pdessm_op_get(op)->name);
    }
    for (int pass = 0; pass <= both; pass++)
        note_place(j, &v[pass], op, pass);
    return PDESSM_OK;
}

static pdessm_status verify_operators(job *j) {
    cli_progress bar;
    pdessm_status status = PDESSM_OK;
    pdessm_cli_progress_begin(&bar, j->c, "verify", 0);
    for (int op = 0; op < PDESSM_OP_COUNT && status == PDESSM_OK; op++)
        if (!j->only || strcmp(j->only, pdessm_op_get((pdessm_op)op)->name) == 0)
            status = verify_operator(j, &bar, (pdessm_op)op);
    pdessm_cli_progress_end(&bar);
    return status;
}

/* ------------------------------------------------------------------ a network */

static pdessm_status verify_network(job *j, const char *preset) {
    cli_network_error e;
    pdessm_status status =
        pdessm_cli_network_compare(preset, (uint64_t)j->c->seed, j->c->device, j->reference, &e);
    if (status != PDESSM_OK)
        return pdessm_fail_prefix(j->c->ctx, status, "network %s", preset);
    for (int pass = 0; pass < 2; pass++) {
        verdict *v = &j->list[j->count++];
        *v = (verdict){.pass = pass ? "gradients" : "loss"};
        snprintf(v->name, sizeof v->name, "network %s", preset);
        snprintf(v->place, sizeof v->place, "%s", j->c->device->backend ? "device" : "plain C");
        take(v, pass ? e.gradients : e.loss, (uint64_t)j->c->seed, e.worst_gradient);
    }
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ the answer */

static void print_text(job *j) {
    cli_table *table = pdessm_cli_table_create("LLLRRRLL");
    pdessm_cli_table_row(table, "operator\tpass\truns on\tcases\tworst error\ttolerance\t\t");
    for (int i = 0; i < j->count; i++) {
        const verdict *v = &j->list[i];
        pdessm_cli_table_row(table, "%s\t%s\t%s\t%lld\t%.1e\t%.1e\t%s\t%s", v->name, v->pass,
                             v->place, (long long)v->cases, v->worst.error, v->worst.tolerance,
                             v->failed ? "FAIL" : "pass", v->failed ? v->problem : "");
    }
    pdessm_cli_table_print(table, stdout);
}

static void print_json(job *j, int failed, const char *reference) {
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "reference", reference);
    pdessm_cli_json_bool(json, "pass", !failed);
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int i = 0; i < j->count; i++) {
        const verdict *v = &j->list[i];
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_text(row, "operator", v->name);
        pdessm_cli_json_text(row, "pass", v->pass);
        pdessm_cli_json_text(row, "place", v->place);
        pdessm_cli_json_number(row, "cases", (double)v->cases);
        pdessm_cli_json_number(row, "failed", (double)v->failed);
        pdessm_cli_json_number(row, "worst_error", v->worst.error);
        pdessm_cli_json_number(row, "tolerance", v->worst.tolerance);
        pdessm_cli_json_number(row, "seed", (double)v->seed);
        if (v->failed)
            pdessm_cli_json_text(row, "problem", v->problem);
    }
    pdessm_cli_json_print(json);
}

static pdessm_status finish(job *j, const char *reference) {
    int failed = 0;
    for (int i = 0; i < j->count; i++)
        failed += j->list[i].failed > 0;
    if (j->c->format == CLI_FORMAT_JSON)
        print_json(j, failed, reference);
    else {
        print_text(j);
        printf("%s on %s against %s: %s\n", j->only ? j->only : "all operators",
               pdessm_device_get_info(j->c->device)->name, reference, failed ? "FAIL" : "PASS");
    }
    return failed ? pdessm_fail(j->c->ctx, PDESSM_ERROR_CHECK,
                                "%d of %d checks failed; PDESSM_OPS=host:NAME,.. keeps an operator "
                                "off this device",
                                failed, j->count)
                  : PDESSM_OK;
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .cases = 20};
    cli_option options[] = {
        {"cases", 'n', CLI_WHOLE, &j.cases, "N", "random shapes per operator", 1, 1000000},
        {"op", 0, CLI_TEXT, &j.only, "NAME", "verify only this operator"},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_REQUIRE(c->ctx, !j.only || pdessm_op_find(j.only) != PDESSM_OP_COUNT,
                   PDESSM_ERROR_ARGUMENT, "no operator '%s'; `pdessm-cl op --list` shows them",
                   j.only);
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(pdessm_reference_open(c->ctx, c->device, &j.reference));
    PDESSM_TRY(verify_operators(&j));
    if (!j.only) {
        PDESSM_TRY(verify_network(&j, "pde-nano/4"));
        PDESSM_TRY(verify_network(&j, "attn-nano/4"));
    }
    PDESSM_TRY(finish(&j, j.reference->info.driver));
out:
    pdessm_device_destroy(&j.reference);
    return status;
}
