/* SPDX-License-Identifier: MIT */
/* page.c: the result as one HTML page that refers to nothing else. */
#include <math.h>
#include <string.h>

#include "chart.h"
#include "pdessm_commit.h"
#include "pdessm_config.h"
#include "shared/page.h"

/* ------------------------------------------------------------------ head */

static void print_facts(const bench_job *j, FILE *f) {
    fprintf(f,
            "<h1>" PDESSM_CLI_PROGRAM " bench</h1>\n"
            "<p class=\"facts\">%s, version " PDESSM_VERSION ", commit %s, %d threads of plain "
            "C, %lld repetitions</p>\n<p><code>",
            pdessm_cli_page_date().text, PDESSM_COMMIT, pdessm_context_threads(j->c->ctx),
            (long long)j->o.repetitions);
    pdessm_cli_page_escape(f, pdessm_cli_bench_command(j->c));
    fputs("</code></p>\n", f);
}

static void print_devices(const bench_job *j, FILE *f) {
    fputs("<h2>Devices</h2>\n<p class=\"note\">Rates are those of this run: bytes read and written "
          "by a copy of 25 MB, and the library's own matrix product. They are the roofline below."
          "</p>\n<div class=\"scroll\"><table><thead><tr><th>device</th><th>name</th>"
          "<th>driver</th><th class=\"n\">copies, GB/s</th><th class=\"n\">products, GFLOP/s</th>"
          "</tr></thead><tbody>\n",
          f);
    for (int i = 0; i < j->devices; i++) {
        const bench_device *d = &j->device[i];
        const pdessm_device_info *info = pdessm_device_get_info(d->device);
        fputs("<tr>", f);
        pdessm_cli_page_cell(f, "", d->label);
        pdessm_cli_page_cell(f, "", info->name);
        pdessm_cli_page_cell(f, "", info->driver);
        pdessm_cli_page_cell(f, "n", pdessm_cli_bench_format(BENCH_RATE, d->copy_rate * 1e-9).text);
        pdessm_cli_page_cell(f, "n", pdessm_cli_bench_format(BENCH_RATE, d->gemm_rate * 1e-9).text);
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>\n", f);
}

/* ------------------------------------------------------------------ charts */

/* Operators at their first point, so that every one has one pair of bars. */
static int is_first_point(const bench_job *j, int row) {
    const bench_row *r = &j->row[row];
    for (int i = 0; i < row; i++) {
        const bench_row *o = &j->row[i];
        if (o->point.suite == BENCH_OPS && o->point.op == r->point.op && o->device == r->device &&
            o->point.pass == r->point.pass && o->point.outputs == r->point.outputs)
            return 0;
    }
    return 1;
}

static void print_operator_chart(const bench_job *j, int device, FILE *f) {
    const bench_device *d = &j->device[device];
    bench_chart chart = {
        .title = pdessm_cli_text(j->c, "Operators: share of the roofline of %s", d->label),
        .note = "Time that the device's copy and product rates allow over the time taken, at the "
                "first grid of each operator. Above 100 %: the tensors stayed in a cache.",
        .unit = BENCH_SHARE,
        .reference = 1,
        .series = 2,
        .name = {"forward", "backward"}};
    for (int i = 0; i < j->rows; i++) {
        const bench_row *r = &j->row[i];
        if (r->point.suite != BENCH_OPS || r->device != device || !is_first_point(j, i))
            continue;
        bench_bar bar = {
            .label = r->point.outputs
                         ? pdessm_cli_text(j->c, "%s to %lld", r->name, (long long)r->point.outputs)
                         : r->name,
            .series = (int)r->point.pass,
            .value = pdessm_cli_bench_roofline(d, r->flops, r->bytes, r->seconds.median),
            .low = NAN,
            .high = NAN};
        pdessm_cli_bench_chart_add(&chart, &bar);
    }
    pdessm_cli_bench_chart_print(&chart, f);
}

static void print_filter_chart(const bench_job *j, FILE *f) {
    bench_chart chart = {
        .title = "spectral_filter: time over one copy of its input",
        .note = "The two are taken in turn in the same loop; the line spans 20 to 80 % of the "
                "repetitions. At 1 the operator would cost no more than reading and writing its "
                "tensors once.",
        .unit = BENCH_RATIO,
        .reference = 1};
    for (int d = 0; d < j->devices && chart.series + 2 <= BENCH_MOST_SERIES; d++) {
        const char *label = j->device[d].label;
        chart.name[chart.series++] = pdessm_cli_text(j->c, "%s forward", label);
        chart.name[chart.series++] = pdessm_cli_text(j->c, "%s backward", label);
    }
    for (int i = 0; i < j->rows; i++) {
        const bench_row *r = &j->row[i];
        int series = 2 * r->device + (int)r->point.pass;
        if (r->point.suite != BENCH_OPS || r->point.op != PDESSM_OP_spectral_filter ||
            series >= chart.series)
            continue;
        pdessm_cli_bench_chart_add(
            &chart, &(bench_bar){
                        pdessm_cli_text(j->c, "%lld x %lld, batch %lld", (long long)r->point.height,
                                        (long long)r->point.width, (long long)r->point.batch),
                        series, r->ratio.median, r->ratio.low, r->ratio.high});
    }
    pdessm_cli_bench_chart_print(&chart, f);
}

static void print_network_chart(const bench_job *j, bench_suite suite, FILE *f) {
    bench_chart chart = {.title = suite == BENCH_STEP ? "Training step: images per second"
                                                      : "Sampling: images per second",
                         .note = suite == BENCH_STEP
                                     ? "Forward, backward and optimiser, with the data drawn."
                                     : pdessm_cli_text(j->c, "%lld steps of %s for each image.",
                                                       (long long)j->o.steps,
                                                       pdessm_solver_name(j->o.solver)),
                         .unit = BENCH_RATE};
    for (int d = 0; d < j->devices && d < BENCH_MOST_SERIES; d++)
        chart.name[chart.series++] = j->device[d].label;
    for (int i = 0; i < j->rows; i++) {
        const bench_row *r = &j->row[i];
        if (r->point.suite != suite || r->device >= chart.series)
            continue;
        pdessm_cli_bench_chart_add(
            &chart,
            &(bench_bar){pdessm_cli_text(j->c, "%s, %lldx%lld, batch %lld", r->point.model,
                                         (long long)r->point.height, (long long)r->point.width,
                                         (long long)r->point.batch),
                         r->device, r->images / r->seconds.median, r->images / r->seconds.high,
                         r->images / r->seconds.low});
    }
    pdessm_cli_bench_chart_print(&chart, f);
}

/* ------------------------------------------------------------------ tables */

static const char *class_of(const bench_column *c, const bench_row *row) {
    int outcome = strcmp(c->title, "status") == 0;
    return outcome && row && row->status == BENCH_ERROR ? "wide bad"
           : outcome                                    ? "wide"
           : c->unit == BENCH_WORDS                     ? ""
                                                        : "n";
}

static void print_row(const bench_job *j, FILE *f, const bench_row *row, int kind) {
    const bench_column *c;
    fputs(!row || row->status == BENCH_OK ? "<tr>" : "<tr class=\"unmeasured\">", f);
    for (int i = 0; (c = pdessm_cli_bench_column(i)); i++) {
        if (!pdessm_cli_bench_column_shows(j, c, kind))
            continue;
        fprintf(f, "<%s class=\"%s\" data-v=\"", row ? "td" : "th", class_of(c, row));
        if (row)
            pdessm_cli_page_escape(f, pdessm_cli_bench_raw_cell(j, c, row).text);
        fputs("\">", f);
        pdessm_cli_page_escape(f, row ? pdessm_cli_bench_cell(j, c, row).text : c->title);
        fputs(row ? "</td>" : "</th>", f);
    }
    fputs("</tr>\n", f);
}

static void print_rows(const bench_job *j, FILE *f, int kind) {
    int seen = 0;
    for (int i = 0; i < j->rows; i++) {
        if ((j->row[i].point.suite == BENCH_OPS) != (kind == BENCH_IN_OPS))
            continue;
        if (!seen++) {
            fprintf(f, "<h2>%s</h2>\n<div class=\"scroll\"><table class=\"sortable\"><thead>",
                    kind == BENCH_IN_OPS ? "Operators" : "Networks");
            print_row(j, f, NULL, kind);
            fputs("</thead><tbody>\n", f);
        }
        print_row(j, f, &j->row[i], kind);
    }
    if (seen)
        fputs("</tbody></table></div>\n", f);
}

/* --detail: the operators inside one run, folded away. */
static void print_operators(const bench_job *j, FILE *f, const bench_row *row) {
    const bench_device *d = &j->device[row->device];
    fputs("<details><summary>", f);
    pdessm_cli_page_escape(f, pdessm_cli_text(j->c, "Inside %s, %s, on %s", row->name,
                                              pdessm_cli_bench_shape_text(j->c, &row->point),
                                              d->label));
    fputs("</summary><div class=\"scroll\"><table><thead><tr><th>operator</th><th>pass</th>"
          "<th>place</th><th class=\"n\">calls</th><th class=\"n\">time</th>"
          "<th class=\"n\">share</th><th class=\"n\">GFLOP/s</th><th class=\"n\">GB/s</th>"
          "<th class=\"n\">roofline</th></tr></thead><tbody>\n",
          f);
    for (int i = 0; i < row->operators; i++) {
        const pdessm_profile_row *o = &row->operator_row[i];
        const struct {
            bench_unit unit;
            double value;
        } cells[] = {
            {BENCH_COUNT, (double)o->calls},
            {BENCH_SECONDS, o->seconds},
            {BENCH_SHARE, o->seconds / row->profiled_seconds},
            {BENCH_RATE, o->flops / o->seconds * 1e-9},
            {BENCH_RATE, o->bytes / o->seconds * 1e-9},
            {BENCH_SHARE, pdessm_cli_bench_roofline(d, o->flops, o->bytes, o->seconds)},
        };
        fputs("<tr>", f);
        pdessm_cli_page_cell(f, "", o->name);
        pdessm_cli_page_cell(f, "", o->pass);
        pdessm_cli_page_cell(f, "", o->place);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
            pdessm_cli_page_cell(f, "n",
                                 pdessm_cli_bench_format(cells[k].unit, cells[k].value).text);
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div></details>\n", f);
}

/* ------------------------------------------------------------------ the page */

pdessm_status pdessm_cli_bench_write_page(bench_job *j, const char *path) {
    cli_page page;
    pdessm_cli_page_create(j->c, PDESSM_CLI_PROGRAM " bench", &page);
    FILE *f = page.f;
    print_facts(j, f);
    print_devices(j, f);
    for (int d = 0; d < j->devices; d++)
        print_operator_chart(j, d, f);
    print_filter_chart(j, f);
    print_network_chart(j, BENCH_STEP, f);
    print_network_chart(j, BENCH_SAMPLE, f);
    print_rows(j, f, BENCH_IN_OPS);
    print_rows(j, f, BENCH_IN_NETWORKS);
    for (int i = 0; i < j->rows; i++)
        if (j->row[i].operators > 0)
            print_operators(j, f, &j->row[i]);
    pdessm_status status = pdessm_cli_page_write(&page, path);
    pdessm_cli_page_destroy(&page);
    return status;
}
