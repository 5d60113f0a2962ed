/* SPDX-License-Identifier: MIT */
/* report_spectra.c: power over wavenumber, of the images drawn and of the data they should look
 * like. */
#include <math.h>
#include <stdlib.h>

#include <pdessm/evaluate.h>

#include "report.h"

enum { REAL_IMAGES = 1000 };

typedef struct spectra {
    int64_t rings;
    double *ring, *samples, *data;
    int64_t data_count;
} spectra;

static pdessm_status measure(report *r, int64_t count, const float *images, double *ret) {
    const cli_pictures *p = &r->samples;
    const pdessm_metric_options options = pdessm_metric_defaults();
    const pdessm_image_set set = {.count = count,
                                  .channels = p->channels,
                                  .height = p->height,
                                  .width = p->width,
                                  .images = images};
    return pdessm_metric_spectrum(r->c->ctx, &set, &options, ret);
}

/* The first images that the run was trained on. A run whose data are elsewhere now has a page too:
 * *ret_why says what is missing. */
static pdessm_status measure_data(report *r, spectra *s, const char **ret_why) {
    pdessm_dataset_options options = pdessm_cli_settings_data(&r->settings);
    const cli_pictures *p = &r->samples;
    pdessm_dataset *data = NULL;
    float *images = NULL;
    pdessm_status status = PDESSM_OK;
    options.limit = options.limit > 0 && options.limit < REAL_IMAGES ? options.limit : REAL_IMAGES;
    if (!r->has_settings || !r->settings.data) {
        *ret_why = "config.yaml does not say what the data are";
        return PDESSM_OK;
    }
    if (pdessm_dataset_open(r->c->ctx, r->settings.data, &options, &data) != PDESSM_OK) {
        *ret_why = pdessm_cli_text(r->c, "%s", pdessm_context_error(r->c->ctx));
        return PDESSM_OK;
    }
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    int64_t pixels = info->channels * info->height * info->width;
    if (info->channels != p->channels || info->height != p->height || info->width != p->width) {
        *ret_why = "the data have another size than the model's images";
        goto out;
    }
    PDESSM_TRY(
        pdessm_alloc(r->c->ctx, (size_t)info->count, (size_t)pixels * sizeof *images, &images));
    for (int64_t i = 0; i < info->count; i++)
        pdessm_dataset_image(data, i, images + i * pixels);
    PDESSM_TRY(measure(r, info->count, images, s->data));
    s->data_count = info->count;
out:
    free(images);
    pdessm_dataset_destroy(&data);
    return status;
}

static void print_cell(FILE *f, const char *format, double value) {
    char text[64];
    snprintf(text, sizeof text, format, value);
    pdessm_cli_page_cell(f, "n", text);
}

/* About ten rings, each twice as far apart as the one before where there are many. */
static void print_table(const spectra *s, FILE *f) {
    fputs("<div class=\"scroll\"><table><thead><tr><th class=\"n\">wavenumber</th>"
          "<th class=\"n\">samples</th>",
          f);
    if (s->data_count)
        fputs("<th class=\"n\">data</th><th class=\"n\">samples / data</th>", f);
    fputs("</tr></thead><tbody>\n", f);
    for (int64_t i = 0; i < s->rings; i += i < 4 ? 1 : (i + 2) / 3) {
        fputs("<tr>", f);
        print_cell(f, "%.0f", s->ring[i]);
        print_cell(f, "%.3g", s->samples[i]);
        if (s->data_count) {
            print_cell(f, "%.3g", s->data[i]);
            print_cell(f, "%.2f", s->samples[i] / s->data[i]);
        }
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>\n", f);
}

static void print_spectra(report *r, const spectra *s, const char *why) {
    FILE *f = r->page.f;
    cli_chart chart = {.title = "Energy spectrum",
                       .note = "Mean power over rings of equal wavenumber, in periods an image.",
                       .x_title = "wavenumber",
                       .y_title = "power",
                       .x_axis = CHART_LOG,
                       .y_axis = CHART_LOG,
                       .series = 1};
    chart.one[0] =
        (chart_series){pdessm_cli_text(r->c, "%lld samples", (long long)r->samples.count),
                       1,
                       CHART_LINE,
                       s->rings,
                       s->ring,
                       s->samples};
    if (s->data_count)
        chart.one[chart.series++] = (chart_series){
            pdessm_cli_text(r->c, "%lld images of the data", (long long)s->data_count),
            0,
            CHART_LINE,
            s->rings,
            s->ring,
            s->data};
    fputs("<h2>Spectra</h2>\n", f);
    if (why)
        pdessm_cli_page_element(f, "p", "warn",
                                pdessm_cli_text(r->c, "Without the data: %s.", why));
    fputs("<div class=\"beside\">", f);
    if (pdessm_cli_chart_print(&chart, f))
        print_table(s, f);
    fputs("</div>\n", f);
}

pdessm_status pdessm_cli_report_spectra(report *r) {
    const cli_pictures *p = &r->samples;
    spectra s = {.rings = pdessm_spectrum_rings(p->height, p->width)};
    const char *why = NULL;
    pdessm_status status = PDESSM_OK;
    if (r->without_samples)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.ring, &s.ring));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.samples, &s.samples));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.data, &s.data));
    for (int64_t i = 0; i < s.rings; i++)
        s.ring[i] = (double)i;
    PDESSM_TRY(measure(r, p->count, p->images, s.samples));
    PDESSM_TRY(measure_data(r, &s, &why));
    print_spectra(r, &s, why);
out:
    free(s.ring);
    free(s.samples);
    free(s.data);
    return status;
}
