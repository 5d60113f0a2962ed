/* SPDX-License-Identifier: MIT */
/* bench.c: `bench`: how fast operators, training steps and sampling are on one or more devices. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/sample.h>

#include "shared/interrupt.h"
#include "shared/options.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_bench = {
    .name = "bench",
    .meaning = "measures operators, training steps and sampling",
    .arguments = "",
    .example = PDESSM_CLI_PROGRAM
    " bench --device cpu,gpu --suite ops --grid 16-64*2 --html bench.html\n  " PDESSM_CLI_PROGRAM
    " bench --suite step --model pde-s/2 --detail --format json > new.json\n  " PDESSM_CLI_PROGRAM
    " bench --suite step --model pde-s/2 --compare new.json --fail-above 10",
    .prints_result = 1,
    .run = run,
};

/* ------------------------------------------------------------------ devices */

static pdessm_status open_one(bench_job *j, const char *name) {
    pdessm_status status = PDESSM_OK;
    bench_device *d = &j->device[j->devices];
    *d = (bench_device){.copy_rate = NAN, .gemm_rate = NAN, .copy_drift = NAN, .gemm_drift = NAN};
    PDESSM_TRY(pdessm_device_open(j->c->ctx, name, &d->device));
    j->devices++;
    const pdessm_device_info *info = pdessm_device_get_info(d->device);
    int chosen = !name || strcmp(name, "auto") == 0;
    d->label = !chosen ? name : info->kind == PDESSM_DEVICE_PLAIN_C ? "cpu" : info->name;
    memcpy(d->routed, d->device->on_host, sizeof d->routed);
    if (j->o.validate) {
        PDESSM_TRY(pdessm_reference_open(j->c->ctx, d->device, &d->reference));
        d->reference_name = pdessm_cli_text(j->c, "%s", d->reference->info.driver);
    }
out:
    return status;
}

static pdessm_status open_devices(bench_job *j) {
    pdessm_status status = PDESSM_OK;
    const char *from_environment = getenv("PDESSM_DEVICE");
    const char *text = j->c->device_name ? j->c->device_name : from_environment;
    cli_words names = {0};
    if (text && *text)
        PDESSM_TRY(pdessm_cli_words(j->c, "device", text, &names));
    int count = names.count ? names.count : 1;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)count, sizeof *j->device, &j->device));
    for (int i = 0; i < count; i++)
        PDESSM_TRY(open_one(j, names.count ? names.word[i] : NULL));
    j->c->device = j->device[0].device; /* the one that JSON's head speaks of */
out:
    free(names.word);
    return status;
}

static void close_devices(bench_job *j) {
    j->c->device = NULL;
    for (int i = 0; i < j->devices; i++) {
        pdessm_device_destroy(&j->device[i].reference);
        pdessm_device_destroy(&j->device[i].device);
    }
    free(j->device);
}

/* ------------------------------------------------------------------ the run */

static void show(bench_job *j, int row) {
    const bench_row *r = &j->row[row];
    pdessm_cli_progress_update(&j->bar, (double)row / j->rows,
                               pdessm_cli_text(j->c, "%s %s on %s", r->name,
                                               pdessm_cli_bench_shape_text(j->c, &r->point),
                                               j->device[r->device].label));
}

static pdessm_status measure_group(bench_job *j, int i, int count) {
    bench_device *d = &j->device[j->row[i].device];
    pdessm_cli_bench_forget_refusals(d);
    return j->row[i].point.suite == BENCH_OPS ? pdessm_cli_bench_operator(j, &j->row[i], count)
                                              : pdessm_cli_bench_network(j, &j->row[i]);
}

static void skip_rest(bench_job *j, int from) {
    const char *reason =
        pdessm_cli_text(j->c, "the %g seconds of --max-time were over", j->o.max_time);
    for (int i = from; i < j->rows; i++)
        pdessm_cli_bench_settle(&j->row[i], BENCH_SKIPPED, reason);
}

/* Rows in order; what stops one of them stops no other, except Ctrl-C. */
static pdessm_status measure_rows(bench_job *j, const bench_old *old) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0, count; i < j->rows && status == PDESSM_OK; i += count) {
        count = pdessm_cli_bench_group(j, i);
        if (pdessm_cli_bench_time_is_up(j)) {
            skip_rest(j, i);
            break;
        }
        show(j, i);
        status = measure_group(j, i, count);
        if (old)
            pdessm_cli_bench_old_match(j, old);
        if (status == PDESSM_OK && j->o.format == BENCH_JSONL)
            pdessm_cli_bench_stream(j, i + count);
        if (status == PDESSM_OK && pdessm_cli_interrupted())
            status = pdessm_fail(j->c->ctx, PDESSM_ERROR_CANCELLED, "interrupted");
    }
    return status;
}

/* After Ctrl-C only what was measured is told. */
static void drop_unreached(bench_job *j) {
    int kept = 0;
    for (int i = 0; i < j->rows; i++) {
        if (j->row[i].reached) {
            j->row[kept++] = j->row[i];
            continue;
        }
        free(j->row[i].all);
        free(j->row[i].operator_row);
    }
    j->rows = kept;
}

static pdessm_status print(bench_job *j) {
    if (j->o.format == BENCH_JSON)
        pdessm_cli_bench_print_json(j);
    else if (j->o.format == BENCH_JSONL)
        pdessm_cli_bench_stream(j, j->rows);
    else
        pdessm_cli_bench_print_table(j, stdout);
    return j->o.html ? pdessm_cli_bench_write_page(j, j->o.html) : PDESSM_OK;
}

/* A broken case ends no run, but a run with one is no success: ERROR_CHECK when a result was wrong,
 * ERROR_FAILED when there was none. */
static pdessm_status check_results(bench_job *j) {
    int bad = 0, wrong = 0;
    const bench_row *first = NULL;
    for (int i = 0; i < j->rows; i++) {
        const bench_row *r = &j->row[i];
        if (r->status != BENCH_ERROR)
            continue;
        first = first ? first : r;
        bad++;
        wrong += isfinite(r->tolerance); /* which only what was validated has */
    }
    if (!first)
        return PDESSM_OK;
    return pdessm_fail(j->c->ctx, wrong ? PDESSM_ERROR_CHECK : PDESSM_ERROR_FAILED,
                       "%d of %d rows are in error; the first is %s %s on %s: %s", bad, j->rows,
                       first->name, pdessm_cli_bench_pass_name(first),
                       j->device[first->device].label, first->reason);
}

static pdessm_status measure(bench_job *j) {
    pdessm_status status = PDESSM_OK;
    bench_old *old = NULL;
    if (j->o.compare)
        PDESSM_TRY(pdessm_cli_bench_old_open(j, j->o.compare, &old));
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&j->bar, j->c, "bench", 0);
    for (int i = 0; i < j->devices; i++)
        pdessm_cli_bench_rates(j, &j->device[i]);
    pdessm_status ended = measure_rows(j, old);
    pdessm_cli_progress_end(&j->bar);
    for (int i = 0; i < j->devices && ended == PDESSM_OK && !pdessm_cli_bench_time_is_up(j); i++)
        pdessm_cli_bench_rates_again(j, &j->device[i]);
    if (ended != PDESSM_OK)
        drop_unreached(j);
    PDESSM_TRY(print(j));
    PDESSM_TRY(ended == PDESSM_ERROR_CANCELLED
                   ? pdessm_fail(j->c->ctx, ended, "interrupted after %d rows", j->rows)
                   : ended);
    PDESSM_TRY(check_results(j));
    if (old)
        PDESSM_TRY(pdessm_cli_bench_old_judge(j, old));
out:
    pdessm_cli_bench_old_close(&old);
    return status;
}

/* ------------------------------------------------------------------ options */

static pdessm_status check_usage(const bench_job *j) {
    const bench_options *o = &j->o;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(j->c->ctx, o->fail_above < 0 || o->compare, PDESSM_ERROR_ARGUMENT,
                   "--fail-above %g: expected --compare OLD.json with it", o->fail_above);
out:
    return status;
}

static pdessm_status run(cli *c) {
    bench_job j = {.c = c,
                   .start = pdessm_seconds(),
                   .o = {.suite = BENCH_SUITES,
                         .channels = 384,
                         .images = 4,
                         .steps = 2,
                         .solver = PDESSM_HEUN,
                         .repetitions = 5,
                         .warmup = 2,
                         .fail_above = -1}};
    bench_options *o = &j.o;
    cli_option options[] = {
        {"suite", 0, CLI_CHOICE, &o->suite, "SUITE",
         "what to measure; step: training. --op or --model alone narrow it down", 0, 0,
         "ops step sample all", .group = "What to measure"},
        {"device", 'd', CLI_TEXT, &c->device_name, "A,B,..",
         "devices, as `devices` lists them, or auto", .usual = "$PDESSM_DEVICE or auto"},
        {"op", 0, CLI_TEXT, &o->ops, "NAME,..", "ops: only these operators"},
        {"grid", 0, CLI_TEXT, &o->grids, "LIST",
         "ops: token grids, such as 16,14x28,16-64+16,16-128*2 (default: spectral_filter 16-64*2, "
         "others 16)"},
        {"batch", 0, CLI_TEXT, &o->batches, "LIST",
         "images per run (default: ops: as many as make 25 MB; step: 8; sample: 4)"},
        {"channels", 0, CLI_WHOLE, &o->channels, "N", "ops: channels", 1, 1 << 16},
        {"model", 'm', CLI_TEXT, &o->models, "PRESET,..",
         "step, sample: presets (default: pde- and attn- of nano/4, tiny/2, s/2)"},
        {"image-size", 0, CLI_TEXT, &o->image_sizes, "LIST",
         "step, sample: side of an image in pixels (default: 32)"},
        {"n", 'n', CLI_WHOLE, &o->images, "N", "sample: images per run", 1, 1 << 20},
        {"steps", 's', CLI_WHOLE, &o->steps, "N", "sample: solver steps", 1, 1 << 20},
        {"solver", 0, CLI_CHOICE, &o->solver, "NAME", "sample: ODE solver", 0, 0,
         PDESSM_WORDS(PDESSM_SOLVERS), .rare = 1},
        {"repetitions", 'r', CLI_WHOLE, &o->repetitions, "N", "repetitions of each case", 1, 100000,
         .group = "How to measure"},
        {"warmup", 'w', CLI_WHOLE, &o->warmup, "N", "repetitions before, not counted", 1, 100000},
        {"max-time", 0, CLI_REAL, &o->max_time, "SECONDS",
         "begin no case after this time; 0: no limit", 0, 1e9},
        {"validate", 0, CLI_FLAG, &o->validate, NULL,
         "compare results with plain C; exit code 5 if wrong"},
        {"detail", 0, CLI_FLAG, &o->detail, NULL, "step, sample: also the operators inside a run",
         .group = "Output"},
        {"format", 0, CLI_CHOICE, &o->format, "FORMAT", "output format", 0, 0,
         "text md csv json jsonl"},
        {"html", 0, CLI_TEXT, &o->html, "FILE", "also write a page with tables and charts"},
        {"compare", 0, CLI_TEXT, &o->compare, "OLD.json", "print new/old of each case"},
        {"fail-above", 0, CLI_REAL, &o->fail_above, "PERCENT",
         "with --compare: exit code 5 if a case is slower by more than this and than both spreads",
         0, 1e6},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_TRY(check_usage(&j));
    PDESSM_TRY(open_devices(&j));
    PDESSM_TRY(pdessm_cli_bench_plan(&j));
    PDESSM_TRY(measure(&j));
out:
    pdessm_cli_bench_release_rows(&j);
    close_devices(&j);
    return status;
}
