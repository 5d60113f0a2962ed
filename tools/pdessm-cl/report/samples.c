/* SPDX-License-Identifier: MIT */
/* samples.c: pictures of the run as it went, and images drawn now. */
#include <stdlib.h>
#include <string.h>

#include "files/file.h"
#include "files/listing.h"
#include "report.h"
#include "shared/interrupt.h"
#include "shared/paths.h"
#include "shared/progress.h"

/* ------------------------------------------------------------------ RUN/samples */

enum { MOST_PICTURES = 24 };

/* step-00000100.png; NULL for any other name. */
static const char *step_text(report *r, const char *name) {
    long long step;
    int used = 0;
    if (sscanf(name, "step-%lld.png%n", &step, &used) != 1 || name[used] || used == 0)
        return NULL;
    return pdessm_cli_text(r->c, "step %lld", step);
}

/* The bytes of a PNG, or NULL with a warning: a picture that cannot be read spoils no page. */
static pdessm_status print_file(report *r, const char *path, const char *step) {
    pdessm_bytes bytes = {0};
    pdessm_bitmap picture = {0};
    FILE *f = r->page.f;
    pdessm_status status = pdessm_bytes_open(r->c->ctx, path, &bytes);
    if (status == PDESSM_OK)
        status =
            pdessm_png_decode(r->c->ctx, path, bytes.data, bytes.size, (int64_t)1 << 28, &picture);
    if (status == PDESSM_OK) {
        fprintf(f, "<figure data-name=\"%s\">", step);
        pdessm_cli_page_png(f, bytes.data, bytes.size, picture.width, 1,
                            pdessm_cli_text(r->c, "samples at %s", step));
        pdessm_cli_page_element(f, "figcaption", NULL, step);
        fputs("</figure>\n", f);
    } else if (status != PDESSM_ERROR_MEMORY) {
        pdessm_cli_warn(r->c, "%s; left out", pdessm_context_error(r->c->ctx));
        status = PDESSM_OK;
    }
    pdessm_bitmap_release(&picture);
    pdessm_bytes_release(&bytes);
    return status;
}

/* Keeps the names of pictures, in the order of their steps; returns how many. */
static int64_t keep_pictures(report *r, pdessm_listing *listing) {
    int64_t count = 0;
    for (int64_t i = 0; i < listing->count; i++)
        if (step_text(r, listing->names[i])) {
            char *name = listing->names[count];
            listing->names[count++] = listing->names[i];
            listing->names[i] = name;
        }
    return count;
}

pdessm_status pdessm_cli_report_history(report *r) {
    const char *folder = pdessm_cli_text(r->c, "%s/samples", r->run);
    pdessm_listing listing = {0};
    FILE *f = r->page.f;
    pdessm_status status = PDESSM_OK;
    if (!pdessm_is_folder(folder))
        return PDESSM_OK;
    PDESSM_TRY(pdessm_listing_read(r->c->ctx, folder, &listing));
    int64_t count = keep_pictures(r, &listing);
    int64_t shown = count < MOST_PICTURES ? count : MOST_PICTURES;
    if (!count)
        goto out;
    fputs("<h2>Samples over time</h2>\n<p class=\"note\">Drawn during the training with the "
          "averaged weights, from the same noise each time",
          f);
    if (shown < count)
        fprintf(f, "; %lld of %lld pictures", (long long)shown, (long long)count);
    fputs(".</p>\n<div class=\"slider\"><input type=\"range\" min=\"0\" "
          "aria-label=\"step\"><output></output></div>\n<div class=\"strip\">\n",
          f);
    for (int64_t i = 0; i < shown; i++) {
        const char *name = listing.names[shown > 1 ? (count - 1) * i / (shown - 1) : count - 1];
        PDESSM_TRY(print_file(r, pdessm_cli_text(r->c, "%s/%s", folder, name), step_text(r, name)));
    }
    fputs("</div>\n", f);
out:
    pdessm_listing_release(&listing);
    return status;
}

/* ------------------------------------------------------------------ images drawn now */

enum { MOST_ROWS = 10 };

static int show_progress(void *user, double share) {
    cli_progress *bar = user;
    pdessm_cli_progress_update(bar, share, "samples");
    return pdessm_cli_interrupted();
}

/* A row of each of the first classes, in as equal numbers as n allows; without labels, of none. */
static void choose_labels(report *r, int conditional) {
    pdessm_pictures *p = &r->samples;
    int64_t classes = p->num_classes < MOST_ROWS ? p->num_classes : MOST_ROWS;
    p->rows = conditional && p->count % classes == 0 ? (int)classes : 0;
    for (int64_t i = 0; i < p->count; i++)
        p->labels[i] = !conditional ? p->num_classes
                       : p->rows    ? (int32_t)(i / (p->count / classes))
                                    : (int32_t)(i % classes);
}

pdessm_status pdessm_cli_report_draw(report *r) {
    const pdessm_config *config = pdessm_model_get_config(r->model);
    const pdessm_run_settings *s = r->has_settings ? &r->settings : NULL;
    int conditional = config->num_classes > 1;
    pdessm_sample_options o = pdessm_sample_defaults();
    cli_progress bar = {0};
    pdessm_status status = PDESSM_OK;
    r->samples = (pdessm_pictures){.count = r->n,
                                   .channels = config->channels,
                                   .height = config->image_size[0],
                                   .width = config->image_size[1],
                                   .num_classes = config->num_classes,
                                   .scale = config->image_size[0] < 64 ? 2 : 1};
    /* Without label dropout the null class has learned nothing to guide by. */
    if (r->guidance < 0)
        r->guidance = conditional && (!s || s->label_dropout > 0) ? 2 : 1;
    o.guidance = r->guidance;
    o.steps = (int)r->steps;
    o.batch = r->n < 32 ? (int)r->n : 32;
    o.seed = (uint64_t)r->c->seed;
    o.progress = show_progress;
    o.user = &bar;
    o.solver = r->solver;
    PDESSM_TRY(pdessm_pictures_allocate(r->c->ctx, &r->samples));
    choose_labels(r, conditional);
    pdessm_cli_progress_begin(&bar, r->c, "report", 0);
    status =
        pdessm_sample(r->model, &o, r->n, r->samples.labels, r->samples.images, &r->evaluations);
    pdessm_cli_progress_end(&bar);
out:
    return status;
}

pdessm_status pdessm_cli_report_samples(report *r) {
    const pdessm_pictures *p = &r->samples;
    FILE *f = r->page.f;
    pdessm_bitmap picture = {0};
    pdessm_grid_options options = {.scale = 1};
    pdessm_status status = PDESSM_OK;
    if (r->model && pdessm_model_get_config(r->model)->task == PDESSM_TASK_CLASSIFY)
        return PDESSM_OK;
    fputs("<h2>Samples now</h2>\n", f);
    if (r->without_samples) {
        pdessm_cli_page_element(f, "p", "warn", r->without_samples);
        return PDESSM_OK;
    }
    if (p->rows) {
        options.columns = p->count / p->rows;
        options.row_labels = pdessm_cli_class_names(r->c, r->model_file, p->num_classes);
    }
    pdessm_cli_page_element(
        f, "p", "note",
        pdessm_cli_text(r->c,
                        "%lld images from the averaged weights of %s: %s, %lld steps, %lld network "
                        "evaluations, guidance %g, seed %lld.",
                        (long long)p->count, r->checkpoint, pdessm_solver_name(r->solver),
                        (long long)r->steps, (long long)r->evaluations, r->guidance,
                        (long long)r->c->seed));
    options.scale = p->scale;
    PDESSM_TRY(pdessm_grid_create(r->c->ctx, p->images, p->count, p->channels, p->height, p->width,
                                  &options, &picture));
    PDESSM_TRY(pdessm_cli_page_picture(r->c->ctx, f, &picture, 1, "samples drawn now"));
    fputs("\n", f);
out:
    pdessm_bitmap_release(&picture);
    return status;
}
