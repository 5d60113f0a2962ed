/* SPDX-License-Identifier: MIT */
/* map.c: the data of the run, and the map that they went through where it is preconditioned.
 */
#include <math.h>
#include <stdlib.h>

#include <pdessm/evaluate.h>
#include <pdessm/precondition.h>

#include "report.h"

enum { REAL_IMAGES = 1000 };

/* ------------------------------------------------------------------ data */

static pdessm_status copy_images(report *r, const pdessm_dataset *data) {
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    int64_t pixels = info->channels * info->height * info->width;
    pdessm_context *ctx = r->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)info->count, (size_t)pixels * sizeof *r->real, &r->real));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)info->count, sizeof *r->real_labels, &r->real_labels));
    for (int64_t i = 0; i < info->count; i++) {
        pdessm_dataset_image(data, i, r->real + i * pixels);
        r->real_labels[i] = pdessm_dataset_label(data, i);
    }
    r->real_count = info->count;
out:
    return status;
}

pdessm_status pdessm_cli_report_read_data(report *r) {
    pdessm_dataset_options options = pdessm_run_settings_dataset_options(&r->settings);
    const pdessm_config *config = pdessm_model_get_config(r->model);
    pdessm_dataset *data = NULL;
    pdessm_status status = PDESSM_OK;
    options.limit = options.limit > 0 && options.limit < REAL_IMAGES ? options.limit : REAL_IMAGES;
    if (!r->has_settings || !r->settings.data) {
        r->without_data = "config.yaml does not say what they are";
        return PDESSM_OK;
    }
    if (pdessm_dataset_open(r->c->ctx, r->settings.data, &options, &data) != PDESSM_OK) {
        r->without_data = pdessm_cli_text(r->c, "%s", pdessm_context_error(r->c->ctx));
        return PDESSM_OK;
    }
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    if (info->channels != config->channels || info->height != config->image_size[0] ||
        info->width != config->image_size[1])
        r->without_data = "they have another size than the model's images";
    else
        status = copy_images(r, data);
    pdessm_dataset_destroy(&data);
    return status;
}

/* ------------------------------------------------------------------ the map */

static void print_facts(report *r, const pdessm_precondition *map) {
    const pdessm_precondition_info *info = pdessm_precondition_get_info(map);
    FILE *f = r->page.f;
    pdessm_cli_page_facts_begin(f);
    pdessm_cli_page_fact(f, "map", "%s", pdessm_precondition_name(info->kind));
    pdessm_cli_page_fact(f, "fitted to", "images of %lld x %lld x %lld", (long long)info->height,
                         (long long)info->width, (long long)info->channels);
    pdessm_cli_page_fact(f, "maps", info->classes > 1 ? "%lld, one a class" : "%lld for all labels",
                         (long long)info->classes);
    pdessm_cli_page_fact(f, "epsilon", "%g", info->epsilon);
    if (info->kind == PDESSM_PRECONDITION_WHITEN || info->kind == PDESSM_PRECONDITION_REALNVP)
        pdessm_cli_page_fact(f, "shrinkage", "%g", info->shrinkage);
    if (info->kind == PDESSM_PRECONDITION_SPECTRAL)
        pdessm_cli_page_fact(f, "largest gain", "%g", info->max_gain);
    if (info->kind == PDESSM_PRECONDITION_REALNVP)
        pdessm_cli_page_fact(f, "coupling layers", "%lld of %lld", (long long)info->layers,
                             (long long)info->hidden);
    pdessm_cli_page_fact(f, "numbers kept", "%lld", (long long)info->numbers);
}

typedef struct mapped {
    int64_t rings;
    double *ring, *before, *after;
    double round_trip; /* root mean square */
} mapped;

/* The data through the map and back again. */
static pdessm_status measure(report *r, pdessm_precondition *map, mapped *m) {
    const pdessm_config *config = pdessm_model_get_config(r->model);
    const int64_t height = config->image_size[0], width = config->image_size[1];
    const int64_t count = r->real_count * config->channels * height * width;
    const int32_t *labels = pdessm_precondition_get_info(map)->classes > 1 ? r->real_labels : NULL;
    float *images = NULL;
    double sum = 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)count, sizeof *images, &images));
    PDESSM_TRY(
        pdessm_precondition_apply(map, r->real_count, height, width, labels, r->real, images));
    PDESSM_TRY(pdessm_cli_report_spectrum(r, r->real_count, r->real, m->before));
    PDESSM_TRY(pdessm_cli_report_spectrum(r, r->real_count, images, m->after));
    PDESSM_TRY(
        pdessm_precondition_invert(map, r->real_count, height, width, labels, images, images));
    for (int64_t i = 0; i < count; i++) {
        double error = (double)images[i] - (double)r->real[i];
        sum += error * error;
    }
    m->round_trip = sqrt(sum / (double)count);
out:
    free(images);
    return status;
}

static void print_chart(report *r, const mapped *m) {
    pdessm_cli_chart_print(
        &(cli_chart){.title = "Energy spectrum of the data",
                     .note = "A flat line: every direction is as easy to learn as any other.",
                     .x_title = "wavenumber",
                     .y_title = "power",
                     .x_axis = CHART_LOG,
                     .y_axis = CHART_LOG,
                     .series = 2,
                     .one = {{"before the map", 0, CHART_LINE, m->rings, m->ring, m->before},
                             {"after it", 2, CHART_LINE, m->rings, m->ring, m->after}}},
        r->page.f);
}

static pdessm_status print_measured(report *r, pdessm_precondition *map) {
    const pdessm_config *config = pdessm_model_get_config(r->model);
    mapped m = {.rings = pdessm_spectrum_rings(config->image_size[0], config->image_size[1])};
    size_t rings = (size_t)m.rings;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(r->c->ctx, 3 * rings, sizeof *m.ring, &m.ring));
    m.before = m.ring + rings;
    m.after = m.before + rings;
    for (int64_t i = 0; i < m.rings; i++)
        m.ring[i] = (double)i;
    PDESSM_TRY(measure(r, map, &m));
    pdessm_cli_page_fact(r->page.f, "there and back", "%.3g root mean square over %lld images",
                         m.round_trip, (long long)r->real_count);
    pdessm_cli_page_facts_end(r->page.f);
    print_chart(r, &m);
out:
    free(m.ring);
    return status;
}

pdessm_status pdessm_cli_report_map(report *r) {
    pdessm_precondition *map = r->model ? pdessm_model_get_precondition(r->model) : NULL;
    if (!map)
        return PDESSM_OK;
    fputs("<h2>Preconditioning</h2>\n<p class=\"note\">The flow is trained on the data behind this "
          "map; samples come back through it. The map travels in the checkpoint.</p>\n",
          r->page.f);
    print_facts(r, map);
    if (r->real_count)
        return print_measured(r, map);
    pdessm_cli_page_facts_end(r->page.f);
    return PDESSM_OK;
}
