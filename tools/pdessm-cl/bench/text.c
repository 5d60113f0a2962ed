/* SPDX-License-Identifier: MIT */
/* text.c: the rows as tables: text, Markdown, comma-separated values. */
#include <math.h>
#include <string.h>

#include "columns.h"
#include "shared/print.h"

/* The table that is being printed; without a cli_table it is Markdown. */
typedef struct layout {
    const bench_job *j;
    FILE *stream;
    int kind; /* BENCH_IN_OPS or BENCH_IN_NETWORKS */
    int markdown;
    cli_table *table;
} layout;

/* ------------------------------------------------------------------ lines of cells */

static void begin_table(layout *l, const char *alignment) {
    l->table = l->markdown ? NULL : pdessm_cli_table_create(alignment);
}

/* Cells parted by tabs. */
static void put_line(const layout *l, const char *cells) {
    if (l->table) {
        pdessm_cli_table_row(l->table, "%s", cells);
        return;
    }
    fputs("| ", l->stream);
    for (; *cells; cells++)
        fputs(*cells == '\t' ? " | " : (char[]){*cells, '\0'}, l->stream);
    fputs(" |\n", l->stream);
}

/* Markdown's line below the titles. */
static void put_rule(const layout *l, const char *alignment) {
    for (; !l->table && *alignment; alignment++)
        fputs(*alignment == 'R' ? "|---:" : "|---", l->stream);
    if (!l->table)
        fputs("|\n", l->stream);
}

static void end_table(layout *l) {
    if (l->table)
        pdessm_cli_table_print(l->table, l->stream);
    l->table = NULL;
    fputc('\n', l->stream);
}

/* ------------------------------------------------------------------ text and Markdown */

/* row NULL: the titles. */
static void put_row(const layout *l, const bench_row *row) {
    const bench_column *c;
    char line[4096] = "";
    size_t used = 0;
    for (int i = 0; (c = pdessm_cli_bench_column(i)); i++) {
        if (!pdessm_cli_bench_column_shows(l->j, c, l->kind) || used >= sizeof line)
            continue;
        bench_cell cell =
            row ? pdessm_cli_bench_cell(l->j, c, row) : pdessm_cli_bench_words_cell("%s", c->title);
        for (char *p = cell.text; *p; p++)
            *p = strchr("\t\n|", *p) ? ' ' : *p;
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? "\t" : "", cell.text);
    }
    put_line(l, line);
}

static void print_rows(layout *l) {
    const bench_column *c;
    char alignment[64] = "";
    size_t used = 0;
    for (int i = 0; (c = pdessm_cli_bench_column(i)) && used + 1 < sizeof alignment; i++)
        if (pdessm_cli_bench_column_shows(l->j, c, l->kind))
            alignment[used++] = c->unit == BENCH_WORDS ? 'L' : 'R';
    begin_table(l, alignment);
    put_row(l, NULL);
    put_rule(l, alignment);
    for (int i = 0; i < l->j->rows; i++)
        if ((l->j->row[i].point.suite == BENCH_OPS) == (l->kind == BENCH_IN_OPS))
            put_row(l, &l->j->row[i]);
    end_table(l);
}

/* --detail: the operators inside one run. */
static void print_operators(layout *l, const bench_row *row) {
    static const char alignment[] = "LLLRRRRRR";
    const bench_device *d = &l->j->device[row->device];
    fprintf(l->stream, "%s %s on %s: %s a run with clocks at every operator\n%s", row->name,
            pdessm_cli_bench_shape_text(l->j->c, &row->point), d->label,
            pdessm_cli_bench_format(BENCH_SECONDS, row->profiled_seconds).text,
            l->markdown ? "\n" : "");
    begin_table(l, alignment);
    put_line(l, "operator\tpass\tplace\tcalls\tms\tshare\tGFLOP/s\tGB/s\troofline");
    put_rule(l, alignment);
    for (int i = 0; i < row->operators; i++) {
        const pdessm_profile_row *o = &row->operator_row[i];
        double seconds = fmax(o->seconds, 1e-9);
        double share = pdessm_cli_bench_roofline(d, o->flops, o->bytes, seconds);
        bench_cell line = pdessm_cli_bench_words_cell(
            "%s\t%s\t%s\t%lld\t%.3f\t%.1f%%\t%.1f\t%.1f\t%s", o->name, o->pass, o->place,
            (long long)o->calls, o->seconds * 1e3, 100 * o->seconds / row->profiled_seconds,
            o->flops / seconds * 1e-9, o->bytes / seconds * 1e-9,
            pdessm_cli_bench_format(BENCH_SHARE, share).text);
        put_line(l, line.text);
    }
    end_table(l);
}

static void print_head(const layout *l) {
    for (int i = 0; i < l->j->devices; i++) {
        const bench_device *d = &l->j->device[i];
        const pdessm_device_info *info = pdessm_device_get_info(d->device);
        fprintf(l->stream, "%s%s: %s, %s; copies %.1f GB/s (%s), products %.1f GFLOP/s",
                l->markdown ? "- " : "", d->label, info->name, info->driver, d->copy_rate * 1e-9,
                d->copy_way ? d->copy_way : "-", d->gemm_rate * 1e-9);
        if (info->kind == PDESSM_DEVICE_PLAIN_C)
            fprintf(l->stream, ", %d threads", pdessm_context_threads(l->j->c->ctx));
        fputc('\n', l->stream);
    }
    fputc('\n', l->stream);
}

/* ------------------------------------------------------------------ CSV */

/* Quoted where it must be. */
static void put_field(FILE *stream, const char *text) {
    int quoted = text[strcspn(text, ",\"\n")] != '\0';
    if (quoted)
        fputc('"', stream);
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            fputc('"', stream);
        fputc(*p, stream);
    }
    if (quoted)
        fputc('"', stream);
}

static void print_csv(const bench_job *j, FILE *stream) {
    for (int r = -1; r < j->rows; r++) {
        const bench_column *c;
        for (int i = 0; (c = pdessm_cli_bench_column(i)); i++) {
            if (!pdessm_cli_bench_column_shows(j, c, BENCH_IN_CSV))
                continue;
            if (i > 0)
                fputc(',', stream);
            put_field(stream, r < 0 ? c->key : pdessm_cli_bench_raw_cell(j, c, &j->row[r]).text);
        }
        fputc('\n', stream);
    }
}

/* ------------------------------------------------------------------ all of it */

static int has_suite(const bench_job *j, int kind) {
    for (int i = 0; i < j->rows; i++)
        if ((j->row[i].point.suite == BENCH_OPS) == (kind == BENCH_IN_OPS))
            return 1;
    return 0;
}

void pdessm_cli_bench_print_table(bench_job *j, FILE *stream) {
    layout l = {.j = j, .stream = stream, .markdown = j->o.format == BENCH_MD};
    if (j->o.format == BENCH_CSV) {
        print_csv(j, stream);
        return;
    }
    print_head(&l);
    for (l.kind = BENCH_IN_OPS; l.kind <= BENCH_IN_NETWORKS; l.kind++)
        if (has_suite(j, l.kind))
            print_rows(&l);
    for (int i = 0; i < j->rows; i++)
        if (j->row[i].operators > 0)
            print_operators(&l, &j->row[i]);
}
