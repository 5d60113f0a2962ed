/* SPDX-License-Identifier: MIT */
/* json.c: the rows as JSON, whole or line by line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench.h"
#include "pdessm_commit.h"
#include "pdessm_config.h"
#include "shared/print.h"

const char *pdessm_cli_bench_command(const cli *c) {
    const char *text = PDESSM_CLI_PROGRAM;
    for (int i = 0; i < c->argc; i++)
        text = pdessm_cli_text((cli *)c, "%s %s", text, c->argv[i]);
    return text;
}

/* ------------------------------------------------------------------ pieces */

/* What was not measured is null. */
static void add_number(cJSON *object, const char *key, double value) {
    if (isfinite(value))
        pdessm_cli_json_number(object, key, value);
    else
        pdessm_cli_need(cJSON_AddNullToObject(object, key));
}

static void add_text(cJSON *object, const char *key, const char *value) {
    if (value)
        pdessm_cli_json_text(object, key, value);
    else
        pdessm_cli_need(cJSON_AddNullToObject(object, key));
}

static void add_spread(cJSON *object, const char *key, const bench_spread *s) {
    cJSON *spread = pdessm_cli_json_object(object, key);
    add_number(spread, "median", s->median);
    add_number(spread, "low", s->low);
    add_number(spread, "high", s->high);
    add_number(spread, "min", s->least);
    add_number(spread, "max", s->most);
}

static void add_shape(cJSON *row, const bench_point *p) {
    cJSON *shape = pdessm_cli_json_object(row, "shape");
    pdessm_cli_json_number(shape, "B", (double)p->batch);
    pdessm_cli_json_number(shape, "H", (double)p->height);
    pdessm_cli_json_number(shape, "W", (double)p->width);
    pdessm_cli_json_number(shape, "C", (double)p->channels);
    if (p->outputs)
        pdessm_cli_json_number(shape, "N", (double)p->outputs);
}

/* Operators inside one run; what they leave of its wall time is the tape, the data and the queue.
 */
static void add_operators(cJSON *json, const bench_device *d, const bench_row *row) {
    cJSON *list = pdessm_cli_json_array(json, "operators");
    double inside = 0;
    for (int i = 0; i < row->operators; i++) {
        const pdessm_profile_row *o = &row->operator_row[i];
        cJSON *one = pdessm_cli_json_row(list);
        pdessm_cli_json_text(one, "operator", o->name);
        pdessm_cli_json_text(one, "pass", o->pass);
        pdessm_cli_json_text(one, "place", o->place);
        pdessm_cli_json_number(one, "calls", (double)o->calls);
        add_number(one, "seconds", o->seconds);
        add_number(one, "share", o->seconds / row->profiled_seconds);
        add_number(one, "gflops", o->flops / o->seconds * 1e-9);
        add_number(one, "gbytes_per_s", o->bytes / o->seconds * 1e-9);
        add_number(one, "roofline_share",
                   pdessm_cli_bench_roofline(d, o->flops, o->bytes, o->seconds));
        inside += o->seconds;
    }
    add_number(json, "profiled_seconds", row->profiled_seconds);
    add_number(json, "outside_operators_seconds", fmax(0, row->profiled_seconds - inside));
}

static void add_comparison(cJSON *json, const bench_row *row) {
    static const char *const changes[] = {"faster", "same", "slower"};
    add_number(json, "old_seconds", row->old_median);
    add_number(json, "ratio", row->seconds.median / row->old_median);
    add_text(json, "change",
             isfinite(row->old_median) && row->status == BENCH_OK
                 ? changes[1 + pdessm_cli_bench_change(row)]
                 : NULL);
}

static void fill_row(cJSON *json, const bench_job *j, const bench_row *row) {
    static const char *const suites[] = {"ops", "step", "sample"};
    const bench_device *d = &j->device[row->device];
    double seconds = row->seconds.median;
    pdessm_cli_json_text(json, "case", row->name);
    pdessm_cli_json_text(json, "pass", pdessm_cli_bench_pass_name(row));
    pdessm_cli_json_text(json, "device", d->label);
    add_shape(json, &row->point);
    pdessm_cli_json_text(json, "status", pdessm_cli_bench_status_name(row->status));
    add_text(json, "reason", row->reason);
    add_number(json, "first_seconds", row->first);
    add_number(json, "seconds", seconds);
    cJSON *all = pdessm_cli_json_array(json, "seconds_all");
    for (int i = 0; i < row->count; i++)
        cJSON_AddItemToArray(all, pdessm_cli_need(cJSON_CreateNumber(row->all[i])));
    add_number(json, "gflops", row->flops / seconds * 1e-9);
    add_number(json, "gbytes_per_s", row->bytes / seconds * 1e-9);
    add_number(json, "memcpy_ratio", row->ratio.median);
    add_number(json, "peak_bytes", row->peak_bytes);
    add_number(json, "error", row->error);
    pdessm_cli_json_text(json, "suite", suites[row->point.suite]);
    add_number(json, "tolerance", row->tolerance);
    add_spread(json, "seconds_spread", &row->seconds);
    add_spread(json, "memcpy_ratio_spread", &row->ratio);
    pdessm_cli_json_number(json, "runs_per_repetition", (double)row->runs);
    add_number(json, "copied_bytes", row->copied_bytes);
    add_number(json, "flops", row->flops);
    add_number(json, "bytes", row->bytes);
    add_number(json, "roofline_share",
               pdessm_cli_bench_roofline(d, row->flops, row->bytes, seconds));
    if (row->point.suite != BENCH_OPS) {
        pdessm_cli_json_text(json, "model", row->point.model);
        add_number(json, "parameters", row->parameters);
        add_number(json, "images", row->images);
        add_number(json, "images_per_s", row->images / seconds);
        add_number(json, "process_peak_bytes", row->process_peak);
    }
    if (row->operators > 0)
        add_operators(json, d, row);
    if (j->o.compare)
        add_comparison(json, row);
}

/* ------------------------------------------------------------------ the head */

static void add_machine(cJSON *json) {
    struct utsname name;
    cJSON *machine = pdessm_cli_json_object(json, "machine");
    if (uname(&name) == 0) {
        pdessm_cli_json_text(machine, "system", name.sysname);
        pdessm_cli_json_text(machine, "release", name.release);
        pdessm_cli_json_text(machine, "architecture", name.machine);
    }
}

static void add_devices(cJSON *json, const bench_job *j) {
    cJSON *list = pdessm_cli_json_array(json, "devices");
    for (int i = 0; i < j->devices; i++) {
        const bench_device *d = &j->device[i];
        cJSON *one = pdessm_cli_json_device(pdessm_device_get_info(d->device));
        pdessm_cli_json_text(one, "label", d->label);
        add_number(one, "copy_gbytes_per_s", d->copy_rate * 1e-9);
        add_text(one, "copy_way", d->copy_way);
        add_number(one, "gemm_gflops", d->gemm_rate * 1e-9);
        add_number(one, "copy_drift", d->copy_drift);
        add_number(one, "gemm_drift", d->gemm_drift);
        add_text(one, "reference", d->reference_name);
        cJSON_AddItemToArray(list, one);
    }
}

/* Top-level device, rates and so on are those of the first device. */
static cJSON *make_head(bench_job *j) {
    char date[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    cJSON *json = pdessm_cli_json_begin(j->c);
    add_number(json, "copy_gbytes_per_s", j->device[0].copy_rate * 1e-9);
    add_number(json, "gemm_gflops", j->device[0].gemm_rate * 1e-9);
    add_devices(json, j);
    pdessm_cli_json_number(json, "threads", pdessm_context_threads(j->c->ctx));
    pdessm_cli_json_number(json, "repetitions", (double)j->o.repetitions);
    pdessm_cli_json_number(json, "warmup", (double)j->o.warmup);
    pdessm_cli_json_text(json, "commit", PDESSM_COMMIT);
    pdessm_cli_json_text(json, "command", pdessm_cli_bench_command(j->c));
    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    pdessm_cli_json_text(json, "date", date);
    add_machine(json);
    return json;
}

void pdessm_cli_bench_print_json(bench_job *j) {
    cJSON *json = make_head(j);
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int i = 0; i < j->rows; i++)
        fill_row(pdessm_cli_json_row(rows), j, &j->row[i]);
    pdessm_cli_json_print(json);
}

/* A line speaks for itself: what a row needs of the head. */
static void add_origin(cJSON *json, const bench_job *j, const bench_device *d) {
    pdessm_cli_json_number(json, "schema_version", PDESSM_CLI_SCHEMA_VERSION);
    cJSON *program = pdessm_cli_json_object(json, "program");
    pdessm_cli_json_text(program, "name", PDESSM_CLI_PROGRAM);
    pdessm_cli_json_text(program, "version", PDESSM_VERSION);
    pdessm_cli_json_text(json, "commit", PDESSM_COMMIT);
    pdessm_cli_json_text(json, "device_name", pdessm_device_get_info(d->device)->name);
    pdessm_cli_json_text(json, "driver", pdessm_device_get_info(d->device)->driver);
    pdessm_cli_json_number(json, "threads", pdessm_context_threads(j->c->ctx));
    add_number(json, "copy_gbytes_per_s", d->copy_rate * 1e-9);
    add_number(json, "gemm_gflops", d->gemm_rate * 1e-9);
}

static void print_line(cJSON *json) {
    char *text = pdessm_cli_need(cJSON_PrintUnformatted(json));
    puts(text);
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(json);
}

void pdessm_cli_bench_stream(bench_job *j, int upto) {
    for (; j->streamed < upto; j->streamed++) {
        const bench_row *row = &j->row[j->streamed];
        cJSON *json = pdessm_cli_need(cJSON_CreateObject());
        add_origin(json, j, &j->device[row->device]);
        fill_row(json, j, row);
        print_line(json);
    }
}
