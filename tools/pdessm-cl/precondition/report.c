/* SPDX-License-Identifier: MIT */
/* report.c: `precondition report`: what a map does to the path from noise to data, as
 * CSV and as a page of charts. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/diagnostics.h>

#include "files/atomic_file.h"
#include "precondition.h"
#include "shared/chart.h"
#include "shared/interrupt.h"
#include "shared/page.h"
#include "shared/paths.h"
#include "shared/print.h"
#include "shared/progress.h"

enum { TIMES = 101 };
static const double LATE = 0.95; /* the time that one number stands for */

/* Eigenvalues of the whole set (first) and of each class, before and after the map. */
typedef struct study {
    cli *c;
    const cli_precondition_report *asked;
    pdessm_dataset *data[2]; /* unmapped, mapped (NULL: no map) */
    int64_t pixels, sets;
    double *values[2];                                    /* [sets, pixels] */
    double *vectors[2];                                   /* [pixels, pixels], of the whole set */
    double time[TIMES], whole[2][TIMES], worst[2][TIMES]; /* condition numbers */
    double *drawn, recovery; /* [pixels]: variance of what the model draws; NULL: not asked for */
    cli_progress bar;
} study;

/* ------------------------------------------------------------------ eigenvalues */

static pdessm_status measure(study *s) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(s->data[0]);
    const int kinds = s->data[1] ? 2 : 1;
    s->pixels = i->channels * i->height * i->width;
    s->sets = 1 + (i->has_labels ? i->num_classes : 0);
    pdessm_cli_progress_begin(&s->bar, s->c, "eigenvalues", 0);
    for (int k = 0; k < kinds; k++) {
        const size_t d = (size_t)s->pixels;
        PDESSM_TRY(pdessm_alloc(s->c->ctx, (size_t)s->sets * d, sizeof(double), &s->values[k]));
        PDESSM_TRY(pdessm_alloc(s->c->ctx, d * d, sizeof(double), &s->vectors[k]));
        for (int64_t j = 0; j < s->sets; j++) {
            PDESSM_REQUIRE(s->c->ctx, !pdessm_cli_interrupted(), PDESSM_ERROR_CANCELLED,
                           "interrupted; nothing was written");
            PDESSM_TRY(pdessm_data_spectrum(s->c->device, s->data[k], j - 1,
                                            s->values[k] + j * s->pixels,
                                            j ? NULL : s->vectors[k]));
            const double done = (double)(k * s->sets + j + 1);
            pdessm_cli_progress_update(&s->bar, done / (double)(kinds * s->sets), "");
        }
        for (int t = 0; t < TIMES; t++) {
            s->time[t] = t / (double)(TIMES - 1);
            s->whole[k][t] = pdessm_path_condition(s->values[k], s->pixels, s->time[t]);
            for (int64_t j = 1; j < s->sets; j++)
                s->worst[k][t] =
                    fmax(s->worst[k][t], pdessm_path_condition(s->values[k] + j * s->pixels,
                                                               s->pixels, s->time[t]));
        }
    }
out:
    pdessm_cli_progress_end(&s->bar);
    return status;
}

/* ------------------------------------------------------------------ text files */

/* A file under way in memory. */
typedef struct text {
    FILE *f;
    char *bytes;
    size_t size;
} text;

static void begin(text *t, const char *header) {
    *t = (text){0};
    t->f = pdessm_cli_need(open_memstream(&t->bytes, &t->size));
    fprintf(t->f, "%s\n", header);
}

static pdessm_status end(study *s, text *t, const char *name) {
    fclose(t->f);
    pdessm_cli_need(t->bytes);
    pdessm_status status = pdessm_write_file(
        s->c->ctx, pdessm_cli_text(s->c, "%s/%s", s->asked->out, name), t->bytes, t->size);
    free(t->bytes);
    return status;
}

/* An empty cell where there is no map, or there are no classes. */
static void cell(FILE *f, int there, double value) {
    if (there)
        fprintf(f, ",%.9g", value);
    else
        fputc(',', f);
}

static pdessm_status write_condition(study *s) {
    text t;
    begin(&t, "t,raw,mapped,raw_worst_class,mapped_worst_class");
    for (int i = 0; i < TIMES; i++) {
        fprintf(t.f, "%.2f", s->time[i]);
        cell(t.f, 1, s->whole[0][i]);
        cell(t.f, s->data[1] != NULL, s->whole[1][i]);
        cell(t.f, s->sets > 1, s->worst[0][i]);
        cell(t.f, s->sets > 1 && s->data[1], s->worst[1][i]);
        fputc('\n', t.f);
    }
    return end(s, &t, "condition.csv");
}

static pdessm_status write_eigenvalues(study *s) {
    text t;
    begin(&t, "class,index,raw,mapped");
    for (int64_t j = 0; j < s->sets; j++)
        for (int64_t i = 0; i < s->pixels; i++) {
            if (j)
                fprintf(t.f, "%lld", (long long)(j - 1));
            else
                fputs("all", t.f);
            fprintf(t.f, ",%lld", (long long)i);
            cell(t.f, 1, s->values[0][j * s->pixels + i]);
            cell(t.f, s->data[1] != NULL, s->data[1] ? s->values[1][j * s->pixels + i] : 0);
            fputc('\n', t.f);
        }
    return end(s, &t, "eigenvalues.csv");
}

static pdessm_status write_summary(study *s) {
    text t;
    begin(&t, "class,raw_condition_0.95,mapped_condition_0.95,raw_effective_rank,"
              "mapped_effective_rank");
    for (int64_t j = 0; j < s->sets; j++) {
        const double *raw = s->values[0] + j * s->pixels;
        const double *mapped = s->data[1] ? s->values[1] + j * s->pixels : raw;
        if (j)
            fprintf(t.f, "%lld", (long long)(j - 1));
        else
            fputs("all", t.f);
        cell(t.f, 1, pdessm_path_condition(raw, s->pixels, LATE));
        cell(t.f, s->data[1] != NULL, pdessm_path_condition(mapped, s->pixels, LATE));
        cell(t.f, 1, pdessm_effective_rank(raw, s->pixels));
        cell(t.f, s->data[1] != NULL, pdessm_effective_rank(mapped, s->pixels));
        fputc('\n', t.f);
    }
    return end(s, &t, "summary.csv");
}

/* ------------------------------------------------------------------ bands */

static int by_number(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Steps of the checkpoints of a run, rising; none: the path is one model. */
static int list_steps(const char *run, int64_t ret[CLI_PRECONDITION_STEPS]) {
    int count = 0;
    DIR *dir = opendir(run);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        long long step;
        int used = 0;
        if (count < CLI_PRECONDITION_STEPS &&
            sscanf(e->d_name, "step-%8lld%n", &step, &used) == 1 && !e->d_name[used])
            ret[count++] = step;
    }
    if (dir)
        closedir(dir);
    qsort(ret, (size_t)count, sizeof *ret, by_number);
    return count;
}

static pdessm_status measure_model(study *s, const char *path, int64_t step, text *t,
                                   cli_precondition_bands *ret) {
    pdessm_status status = PDESSM_OK;
    const char *file = NULL;
    pdessm_model *model = NULL;
    pdessm_band_options o = pdessm_band_defaults();
    o.seed = (uint64_t)s->c->seed;
    o.bands = CLI_PRECONDITION_BANDS;
    PDESSM_TRY(pdessm_cli_find_model(s->c, path, &file));
    PDESSM_TRY(pdessm_model_load(s->c->device, file, 0, &model));
    const int mapped = pdessm_model_get_precondition(model) != NULL;
    PDESSM_TRY(pdessm_velocity_bands(model, s->data[mapped], s->values[mapped], s->vectors[mapped],
                                     &o, ret->band));
    ret->step = step;
    for (int k = 0; k < o.bands; k++)
        fprintf(t->f, "%lld,%d,%.9g,%.9g,%.9g,%.9g\n", (long long)step, k, ret->band[k].least,
                ret->band[k].most, ret->band[k].error, ret->band[k].linear);
out:
    pdessm_model_destroy(&model);
    return status;
}

static pdessm_status measure_bands(study *s, cli_precondition_bands *ret, int *ret_count) {
    pdessm_status status = PDESSM_OK;
    int64_t steps[CLI_PRECONDITION_STEPS];
    const int count = list_steps(s->asked->model, steps);
    text t;
    begin(&t, "step,band,least_eigenvalue,largest_eigenvalue,error,linear");
    pdessm_cli_progress_begin(&s->bar, s->c, "bands", 0);
    for (int i = 0; i < (count ? count : 1) && status == PDESSM_OK; i++) {
        const char *path = s->asked->model;
        if (count)
            path = pdessm_cli_text(s->c, "%s/step-%08lld", path, (long long)steps[i]);
        status = measure_model(s, path, count ? steps[i] : 0, &t, &ret[i]);
        pdessm_cli_progress_update(&s->bar, (i + 1) / (double)(count ? count : 1), "");
    }
    pdessm_cli_progress_end(&s->bar);
    *ret_count = count ? count : 1;
    pdessm_status written = end(s, &t, "bands.csv");
    return status == PDESSM_OK ? written : status;
}

/* ------------------------------------------------------------------ recovery */

/* The newest model's images along the eigenvectors of the data. */
static pdessm_status measure_recovery(study *s) {
    pdessm_status status = PDESSM_OK;
    const char *file = NULL;
    pdessm_model *model = NULL;
    text t;
    PDESSM_TRY(pdessm_cli_find_model(s->c, s->asked->model, &file));
    PDESSM_TRY(pdessm_model_load(s->c->device, file, 0, &model));
    PDESSM_TRY(pdessm_alloc(s->c->ctx, (size_t)s->pixels, sizeof *s->drawn, &s->drawn));
    PDESSM_TRY(pdessm_cli_precondition_recovery(
        s->c, model, s->data[0], s->values[0], s->vectors[0], s->asked->n, s->drawn, &s->recovery));
    begin(&t, "index,eigenvalue,drawn");
    for (int64_t i = 0; i < s->pixels; i++)
        fprintf(t.f, "%lld,%.9g,%.9g\n", (long long)i, s->values[0][i], s->drawn[i]);
    PDESSM_TRY(end(s, &t, "recovery.csv"));
out:
    pdessm_model_destroy(&model);
    return status;
}

/* ------------------------------------------------------------------ the page */

static void print_condition(study *s, FILE *f) {
    cli_chart chart = {.title = "Condition number of the path's covariance",
                       .x_title = "t",
                       .y_title = "condition number",
                       .y_axis = CHART_LOG};
    static const char *const names[] = {"data", "mapped data", "data, worst class",
                                        "mapped data, worst class"};
    for (int k = 0; k < 4; k++)
        if ((k % 2 == 0 || s->data[1]) && (k < 2 || s->sets > 1))
            chart.one[chart.series++] =
                (chart_series){names[k], k % 2,   k < 2 ? CHART_LINE : CHART_THIN,
                               TIMES,    s->time, k < 2 ? s->whole[k % 2] : s->worst[k % 2]};
    pdessm_cli_chart_print(&chart, f);
}

static pdessm_status print_eigenvalues(study *s, FILE *f) {
    pdessm_status status = PDESSM_OK;
    double *index = NULL;
    cli_chart chart = {.title = "Eigenvalues of the covariance",
                       .x_title = "number",
                       .y_title = "variance",
                       .y_axis = CHART_LOG,
                       .series = s->data[1] ? 2 : 1};
    PDESSM_TRY(pdessm_alloc(s->c->ctx, (size_t)s->pixels, sizeof *index, &index));
    for (int64_t i = 0; i < s->pixels; i++)
        index[i] = (double)i;
    for (int k = 0; k < chart.series; k++)
        chart.one[k] = (chart_series){
            k ? "mapped data" : "data", k, CHART_LINE, s->pixels, index, s->values[k]};
    pdessm_cli_chart_print(&chart, f);
    if (s->drawn) {
        chart.title = "Recovery: variance of what the model draws, along the data's eigenvectors";
        chart.series = 2;
        chart.one[1] = (chart_series){"drawn", 2, CHART_THIN, s->pixels, index, s->drawn};
        pdessm_cli_chart_print(&chart, f);
    }
out:
    free(index);
    return status;
}

/* One line for each band: its error over the best affine velocity's. */
static void print_bands(const cli_precondition_bands *bands, int count, FILE *f) {
    double step[CLI_PRECONDITION_STEPS], ratio[CLI_PRECONDITION_BANDS][CLI_PRECONDITION_STEPS];
    cli_chart chart = {.title = "Velocity error at t = 0.95 by eigenvalues",
                       .note =
                           "over that of the best affine velocity; eighths 1, 3, 6 and 8 of the "
                           "eigenvalues",
                       .x_title = "step",
                       .y_title = "error / affine",
                       .y_axis = CHART_LOG};
    static const struct {
        int band;
        const char *name;
    } shown[] = {{0, "lowest"}, {2, "low"}, {5, "high"}, {7, "highest"}};
    for (int i = 0; i < count; i++)
        step[i] = (double)bands[i].step;
    for (int k = 0; k < CLI_COUNT(shown); k++) {
        double *y = ratio[k];
        for (int i = 0; i < count; i++) {
            const pdessm_band *b = &bands[i].band[shown[k].band];
            y[i] = b->error / b->linear;
        }
        chart.one[chart.series++] =
            (chart_series){shown[k].name, k, count > 1 ? CHART_LINE : CHART_DOTS, count, step, y};
    }
    pdessm_cli_chart_print(&chart, f);
}

static pdessm_status write_page(study *s, const cli_precondition_bands *bands, int count) {
    cli_page page = {0};
    pdessm_status status = PDESSM_OK;
    pdessm_cli_page_create(s->c, "Preconditioning", &page);
    pdessm_cli_page_element(page.f, "h1", NULL, "Preconditioning");
    pdessm_cli_page_facts_begin(page.f);
    pdessm_cli_page_fact(page.f, "data", "%s", s->asked->data_name);
    for (int k = 0; k < (s->data[1] ? 2 : 1); k++) {
        const char *what = k ? "mapped data" : "data";
        pdessm_cli_page_fact(page.f, pdessm_cli_text(s->c, "%s: condition at t = 0.95", what),
                             "%.4g", pdessm_path_condition(s->values[k], s->pixels, LATE));
        pdessm_cli_page_fact(page.f, pdessm_cli_text(s->c, "%s: effective rank", what), "%.1f",
                             pdessm_effective_rank(s->values[k], s->pixels));
    }
    if (s->drawn)
        pdessm_cli_page_fact(page.f, "low-eigenvalue recovery",
                             isfinite(s->recovery) ? "%.3g (1: recovered)"
                                                   : "unknown: fewer images than pixels",
                             s->recovery);
    pdessm_cli_page_facts_end(page.f);
    print_condition(s, page.f);
    PDESSM_TRY(print_eigenvalues(s, page.f));
    if (count)
        print_bands(bands, count, page.f);
    PDESSM_TRY(
        pdessm_cli_page_write(&page, pdessm_cli_text(s->c, "%s/report.html", s->asked->out)));
out:
    pdessm_cli_page_destroy(&page);
    return status;
}

/* ------------------------------------------------------------------ all of it */

static void print(const study *s) {
    const double *raw = s->values[0], *mapped = s->values[1];
    if (s->c->format == CLI_FORMAT_TEXT) {
        printf("%s/report.html\n", s->asked->out);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(s->c);
    pdessm_cli_json_text(json, "action", "report");
    pdessm_cli_json_text(json, "output", s->asked->out);
    pdessm_cli_json_number(json, "condition", pdessm_path_condition(raw, s->pixels, LATE));
    pdessm_cli_json_number(json, "effective_rank", pdessm_effective_rank(raw, s->pixels));
    if (mapped) {
        pdessm_cli_json_number(json, "mapped_condition",
                               pdessm_path_condition(mapped, s->pixels, LATE));
        pdessm_cli_json_number(json, "mapped_effective_rank",
                               pdessm_effective_rank(mapped, s->pixels));
    }
    if (s->drawn && isfinite(s->recovery))
        pdessm_cli_json_number(json, "low_eigenvalue_recovery", s->recovery);
    pdessm_cli_json_print(json);
}

pdessm_status pdessm_cli_precondition_report(cli *c, const cli_precondition_report *asked) {
    pdessm_status status = PDESSM_OK;
    study s = {.c = c, .asked = asked, .data = {asked->data}};
    cli_precondition_bands *bands = NULL;
    int count = 0;
    PDESSM_TRY(pdessm_alloc(c->ctx, CLI_PRECONDITION_STEPS, sizeof *bands, &bands));
    PDESSM_TRY(pdessm_make_folder(c->ctx, asked->out));
    if (asked->map)
        PDESSM_TRY(pdessm_cli_precondition_map_data(c, asked->map, asked->data, &s.data[1]));
    PDESSM_TRY(measure(&s));
    if (asked->model)
        PDESSM_TRY(measure_bands(&s, bands, &count));
    if (asked->model && asked->n)
        PDESSM_TRY(measure_recovery(&s));
    PDESSM_TRY(write_condition(&s));
    PDESSM_TRY(write_eigenvalues(&s));
    PDESSM_TRY(write_summary(&s));
    PDESSM_TRY(write_page(&s, bands, count));
    print(&s);
out:
    free(bands);
    free(s.drawn);
    pdessm_dataset_destroy(&s.data[1]);
    for (int k = 0; k < 2; k++) {
        free(s.values[k]);
        free(s.vectors[k]);
    }
    return status;
}
