/* SPDX-License-Identifier: MIT */
/* spectra.c: power over wavenumber, of the images drawn and of the data they should look
 * like. */
#include <stdlib.h>

#include <pdessm/evaluate.h>

#include "report.h"

typedef struct spectra {
    int64_t rings;
    double *ring, *samples, *data;
} spectra;

pdessm_status pdessm_cli_report_spectrum(report *r, int64_t count, const float *images,
                                         double *ret) {
    const pdessm_config *config = pdessm_model_get_config(r->model);
    const pdessm_metric_options options = pdessm_metric_defaults();
    const pdessm_image_set set = {.count = count,
                                  .channels = config->channels,
                                  .height = config->image_size[0],
                                  .width = config->image_size[1],
                                  .images = images};
    return pdessm_metric_spectrum(r->c->ctx, &set, &options, ret);
}

static void print_cell(FILE *f, const char *format, double value) {
    char text[64];
    snprintf(text, sizeof text, format, value);
    pdessm_cli_page_cell(f, "n", text);
}

/* About ten rings, each twice as far apart as the one before where there are many. */
static void print_table(report *r, const spectra *s) {
    FILE *f = r->page.f;
    fputs("<div class=\"scroll\"><table><thead><tr><th class=\"n\">wavenumber</th>"
          "<th class=\"n\">samples</th>",
          f);
    if (r->real_count)
        fputs("<th class=\"n\">data</th><th class=\"n\">samples / data</th>", f);
    fputs("</tr></thead><tbody>\n", f);
    for (int64_t i = 0; i < s->rings; i += i < 4 ? 1 : (i + 2) / 3) {
        fputs("<tr>", f);
        print_cell(f, "%.0f", s->ring[i]);
        print_cell(f, "%.3g", s->samples[i]);
        if (r->real_count) {
            print_cell(f, "%.3g", s->data[i]);
            print_cell(f, "%.2f", s->samples[i] / s->data[i]);
        }
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>\n", f);
}

static void print_spectra(report *r, const spectra *s) {
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
    if (r->real_count)
        chart.one[chart.series++] = (chart_series){
            pdessm_cli_text(r->c, "%lld images of the data", (long long)r->real_count),
            0,
            CHART_LINE,
            s->rings,
            s->ring,
            s->data};
    fputs("<h2>Spectra</h2>\n", f);
    if (r->without_data)
        pdessm_cli_page_element(f, "p", "warn",
                                pdessm_cli_text(r->c, "Without the data: %s.", r->without_data));
    fputs("<div class=\"beside\">", f);
    if (pdessm_cli_chart_print(&chart, f))
        print_table(r, s);
    fputs("</div>\n", f);
}

pdessm_status pdessm_cli_report_spectra(report *r) {
    const pdessm_pictures *p = &r->samples;
    spectra s = {.rings = pdessm_spectrum_rings(p->height, p->width)};
    pdessm_status status = PDESSM_OK;
    if (r->without_samples)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.ring, &s.ring));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.samples, &s.samples));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)s.rings, sizeof *s.data, &s.data));
    for (int64_t i = 0; i < s.rings; i++)
        s.ring[i] = (double)i;
    PDESSM_TRY(pdessm_cli_report_spectrum(r, p->count, p->images, s.samples));
    if (r->real_count)
        PDESSM_TRY(pdessm_cli_report_spectrum(r, r->real_count, r->real, s.data));
    print_spectra(r, &s);
out:
    free(s.ring);
    free(s.samples);
    free(s.data);
    return status;
}
