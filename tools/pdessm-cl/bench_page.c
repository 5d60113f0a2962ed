/* SPDX-License-Identifier: MIT */
/* bench_page.c: the result as one HTML page that refers to nothing else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_chart.h"
#include "data/atomic_file.h"
#include "pdessm_commit.h"
#include "pdessm_config.h"
#include "results.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dde2e8;--page:#fff;"
    "--card:#f5f7f9;--s0:#2f6db3;--s1:#d97b18;--s2:#2a9d78;--s3:#8a5fb5;--s4:#b8433f;--s5:#6b7785;"
    "--bad:#b3261e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa6b5;--line:#353d48;"
    "--page:#14181d;--card:#1d232a;--s0:#6ea6e8;--s1:#efa04c;--s2:#57c7a0;--s3:#b790de;"
    "--s4:#e07b76;--s5:#98a4b3;--bad:#ff8a80}}\n"
    "body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:76rem;background:var(--page);"
    "color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .2rem}\n"
    ".note,.legend,.facts{color:var(--soft);margin:.15rem 0 .6rem}\n"
    "code{font:13px ui-monospace,monospace;background:var(--card);padding:.15rem .35rem;"
    "border-radius:4px;overflow-wrap:anywhere;color:var(--ink)}\n"
    ".chart{max-width:54rem}.legend span{margin-right:1.2rem}\n"
    ".legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;"
    "border-radius:2px;vertical-align:-1px}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;"
    "fill:var(--ink)}svg .label{text-anchor:end}svg .tick{text-anchor:middle;fill:var(--soft)}\n"
    "svg .grid{stroke:var(--line)}svg .spread{stroke:var(--ink);stroke-width:1.5}\n"
    "svg .reference{stroke:var(--soft);stroke-dasharray:4 3}\n"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}"
    ".s4{fill:var(--s4)}.s5{fill:var(--s5)}\n"
    "i.s0{background:var(--s0)}i.s1{background:var(--s1)}i.s2{background:var(--s2)}"
    "i.s3{background:var(--s3)}i.s4{background:var(--s4)}i.s5{background:var(--s5)}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left}"
    ".n{text-align:right}\n"
    "th{position:sticky;top:0;background:var(--card)}table.sortable th{cursor:pointer}\n"
    "th[aria-sort=ascending]::after{content:' \\2191'}"
    "th[aria-sort=descending]::after{content:' \\2193'}\n"
    "td.wide{white-space:normal;min-width:10rem}.bad{color:var(--bad)}"
    "tr.unmeasured{color:var(--soft)}summary{cursor:pointer}\n";

/* A click on a title sorts by that column, a second one the other way round. */
static const char script[] =
    "for(const th of document.querySelectorAll('table.sortable th')){th.tabIndex=0;"
    "const sort=()=>{const row=th.parentNode,body=row.closest('table').tBodies[0];"
    "const i=[...row.children].indexOf(th);"
    "const up=th.getAttribute('aria-sort')!=='ascending';"
    "for(const o of row.children)o.removeAttribute('aria-sort');"
    "th.setAttribute('aria-sort',up?'ascending':'descending');"
    "const key=r=>{const v=r.children[i].dataset.v;return v===''?Infinity:isNaN(v)?v:+v};"
    "const order=(a,b)=>{const x=key(a),y=key(b);return x<y?-1:x>y?1:0};"
    "body.append(...[...body.rows].sort((a,b)=>up?order(a,b):order(b,a)))};"
    "th.onclick=sort;th.onkeydown=e=>{if(e.key==='Enter')sort()}}\n";

/* ------------------------------------------------------------------ head */

static void print_facts(const bench_job *j, FILE *f) {
    char date[64] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    fprintf(f,
            "<h1>" PDESSM_CLI_PROGRAM " bench</h1>\n"
            "<p class=\"facts\">%s, version " PDESSM_VERSION ", commit %s, %d threads of plain "
            "C, %lld repetitions</p>\n<p><code>",
            date, PDESSM_COMMIT, pdessm_context_threads(j->c->ctx), (long long)j->o.repetitions);
    pdessm_cli_bench_escape(f, pdessm_cli_bench_command(j->c));
    fputs("</code></p>\n", f);
}

static void print_cell(FILE *f, const char *class, const char *text) {
    fprintf(f, "<td class=\"%s\">", class);
    pdessm_cli_bench_escape(f, text);
    fputs("</td>", f);
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
        print_cell(f, "", d->label);
        print_cell(f, "", info->name);
        print_cell(f, "", info->driver);
        print_cell(f, "n", pdessm_cli_bench_format(BENCH_RATE, d->copy_rate * 1e-9).text);
        print_cell(f, "n", pdessm_cli_bench_format(BENCH_RATE, d->gemm_rate * 1e-9).text);
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
                                                       (long long)j->o.steps, j->o.solver),
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
            pdessm_cli_bench_escape(f, pdessm_cli_bench_raw_cell(j, c, row).text);
        fputs("\">", f);
        pdessm_cli_bench_escape(f, row ? pdessm_cli_bench_cell(j, c, row).text : c->title);
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
    pdessm_cli_bench_escape(f, pdessm_cli_text(j->c, "Inside %s, %s, on %s", row->name,
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
        print_cell(f, "", o->name);
        print_cell(f, "", o->pass);
        print_cell(f, "", o->place);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
            print_cell(f, "n", pdessm_cli_bench_format(cells[k].unit, cells[k].value).text);
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div></details>\n", f);
}

/* ------------------------------------------------------------------ the page */

static void print_page(const bench_job *j, FILE *f) {
    fprintf(f,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<title>" PDESSM_CLI_PROGRAM " bench</title>\n<style>\n%s</style></head><body>\n",
            style);
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
    fprintf(f, "<script>\n%s</script></body></html>\n", script);
}

pdessm_status pdessm_cli_bench_write_page(bench_job *j, const char *path) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = pdessm_cli_need(open_memstream(&text, &size));
    print_page(j, f);
    int bad = ferror(f);
    bad |= fclose(f) != 0;
    pdessm_status status =
        bad ? pdessm_fail(j->c->ctx, PDESSM_ERROR_MEMORY, "out of memory: the page %s", path)
            : pdessm_write_file(j->c->ctx, path, text, size);
    free(text);
    return status;
}
