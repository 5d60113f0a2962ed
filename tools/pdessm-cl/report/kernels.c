/* SPDX-License-Identifier: MIT */
/* kernels.c: what each block has learned: its kernels as pictures, its terms as charts. */
#include "kernels.h"

#include <math.h>
#include <stdlib.h>

#include "shared/print.h"

static const double PALE = 0.94; /* on white paper an empty picture still has an edge */

enum { PICTURES = 24, COLUMNS = 12, PICTURE_SIDE = 60 };

/* ------------------------------------------------------------------ pictures */

/* Blue below zero, pale at it, red above; value in [-1, 1] -> three planes in [-1, 1]. */
static void paint(double value, float *pixel, int64_t plane) {
    static const double ends[2][3] = {{0.13, 0.40, 0.67}, {0.70, 0.09, 0.17}};
    const double *end = ends[value > 0];
    for (int i = 0; i < 3; i++) {
        double v = PALE + fabs(value) * (end[i] - PALE);
        pixel[i * plane] = (float)(2 * v - 1);
    }
}

typedef struct ranked {
    int64_t channel;
    double energy;
} ranked;

static int by_energy(const void *a, const void *b) {
    double x = ((const ranked *)a)->energy, y = ((const ranked *)b)->energy;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The token itself in the middle; over the largest value of this kernel. */
static void paint_kernel(const pdessm_mixer_kernel *k, const double *kernel, float *image) {
    double most = 0;
    for (int64_t i = 0; i < k->height * k->width; i++)
        most = fmax(most, fabs(kernel[i]));
    for (int64_t y = 0; y < k->height; y++)
        for (int64_t x = 0; x < k->width; x++) {
            int64_t row = (y + k->height / 2) % k->height, column = (x + k->width / 2) % k->width;
            paint(most > 0 ? kernel[y * k->width + x] / most : 0, image + row * k->width + column,
                  k->height * k->width);
        }
}

/* The *ret_count channels that mix most, as images. */
static pdessm_status paint_strongest(report *r, const pdessm_mixer_kernel *k, float **ret_images,
                                     int64_t *ret_count) {
    pdessm_context *ctx = r->c->ctx;
    int64_t plane = k->height * k->width;
    double *scratch = NULL, *kernel = NULL;
    ranked *rank = NULL;
    float *images = NULL;
    pdessm_status status = PDESSM_OK;
    int64_t count = k->channels < PICTURES ? k->channels : PICTURES;
    PDESSM_TRY(
        pdessm_alloc(ctx, (size_t)(2 * k->height * (k->width / 2 + 1)), sizeof *scratch, &scratch));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)plane, sizeof *kernel, &kernel));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)k->channels, sizeof *rank, &rank));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(3 * count * plane), sizeof *images, &images));
    for (int64_t c = 0; c < k->channels; c++)
        rank[c] = (ranked){c, pdessm_mixer_kernel_energy(k, c)};
    qsort(rank, (size_t)k->channels, sizeof *rank, by_energy);
    for (int64_t i = 0; i < count; i++) {
        pdessm_mixer_kernel_gather(k, rank[i].channel, scratch, kernel);
        paint_kernel(k, kernel, images + 3 * i * plane);
    }
    *ret_images = images;
    *ret_count = count;
    images = NULL;
out:
    free(scratch);
    free(kernel);
    free(rank);
    free(images);
    return status;
}

static pdessm_status print_pictures(report *r, const pdessm_mixer_kernel *k, int block) {
    float *images = NULL;
    int64_t count = 0, larger = k->height > k->width ? k->height : k->width;
    pdessm_bitmap picture = {0};
    pdessm_status status = PDESSM_OK;
    const pdessm_grid_options options = {
        .columns = COLUMNS,
        .scale = (int)(larger < PICTURE_SIDE ? PICTURE_SIDE / larger : 1),
        .gap = 4};
    PDESSM_TRY(paint_strongest(r, k, &images, &count));
    PDESSM_TRY(
        pdessm_grid_create(r->c->ctx, images, count, 3, k->height, k->width, &options, &picture));
    fputs("<figure>", r->page.f);
    PDESSM_TRY(pdessm_cli_page_picture(r->c->ctx, r->page.f, &picture, 1,
                                       pdessm_cli_text(r->c, "kernels of block %d", block)));
    fprintf(r->page.f,
            "<figcaption>The %lld of %lld channels that mix most, over %lld x %lld tokens."
            "</figcaption></figure>\n",
            (long long)count, (long long)k->channels, (long long)k->height, (long long)k->width);
out:
    pdessm_bitmap_release(&picture);
    free(images);
    return status;
}

/* ------------------------------------------------------------------ the section */

static pdessm_status print_block(report *r, pdessm_model *start, int block) {
    pdessm_mixer_kernel now = {0}, earlier = {0};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_mixer_kernel_read(r->model, block, &now));
    fprintf(r->page.f, "<h3>Block %d</h3>\n", block);
    if (now.kind == PDESSM_MIXER_KERNEL_NONE) {
        fputs("<p class=\"note\">Attention has no kernel: which tokens a token attends to "
              "depends on the image.</p>\n",
              r->page.f);
        goto out;
    }
    PDESSM_TRY(print_pictures(r, &now, block));
    fputs("<div class=\"small\">\n", r->page.f);
    if (now.kind == PDESSM_MIXER_KERNEL_EQUATION && start)
        PDESSM_TRY(pdessm_mixer_kernel_read(start, block, &earlier));
    if (now.kind == PDESSM_MIXER_KERNEL_EQUATION)
        PDESSM_TRY(pdessm_cli_report_terms(r, &now, start ? &earlier : NULL));
    if (now.symbol)
        PDESSM_TRY(pdessm_cli_report_gain(r, &now));
    fputs("</div>\n", r->page.f);
out:
    pdessm_mixer_kernel_release(&now);
    pdessm_mixer_kernel_release(&earlier);
    return status;
}

/* What the pictures and charts of this mixer show. */
static void print_introduction(report *r, const pdessm_config *config) {
    FILE *f = r->page.f;
    fputs("<p class=\"note\">", f);
    if (config->mixer == PDESSM_MIXER_PDE)
        fprintf(f,
                "Each channel adds up %d solutions of a convection-diffusion-reaction equation: "
                "blurred by K, shifted by b, weakened by r. ",
                config->states);
    fprintf(f,
            "One image side is %d tokens. A picture shows what a token gathers from around it: the "
            "token itself is in the middle, red adds, blue subtracts, each picture over its own "
            "largest value, without the skip. A term reads from its shift; shifts and widths are "
            "drawn for the terms of largest "
            "weight, the histogram counts all.</p>\n",
            config->image_size[0] / config->patch);
}

static void print_cell(FILE *f, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.3g", value);
    pdessm_cli_page_cell(f, "n", text);
}

/* A row of the table, for a block that solves an equation. */
static pdessm_status print_ranges(report *r, pdessm_model *start, int block) {
    pdessm_mixer_kernel now = {0}, earlier = {0};
    pdessm_mixer_kernel_ranges is, was = {.width.median = NAN};
    FILE *f = r->page.f;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_mixer_kernel_read(r->model, block, &now));
    if (now.kind != PDESSM_MIXER_KERNEL_EQUATION)
        goto out;
    if (start) {
        PDESSM_TRY(pdessm_mixer_kernel_read(start, block, &earlier));
        PDESSM_TRY(pdessm_mixer_kernel_measure(r->c->ctx, &earlier, &was));
    }
    PDESSM_TRY(pdessm_mixer_kernel_measure(r->c->ctx, &now, &is));
    double tokens = (double)now.height;
    fprintf(f, "<tr><td class=\"n\">%d</td>", block);
    print_cell(f, tokens * is.width.least);
    print_cell(f, tokens * is.width.median);
    print_cell(f, tokens * is.width.most);
    if (start)
        print_cell(f, tokens * was.width.median);
    print_cell(f, tokens * is.shift.median);
    print_cell(f, tokens * is.shift.most);
    print_cell(f, is.decay.median);
    print_cell(f, is.weight.median);
    print_cell(f, is.weight.most);
    fputs("</tr>\n", f);
out:
    pdessm_mixer_kernel_release(&now);
    pdessm_mixer_kernel_release(&earlier);
    return status;
}

static pdessm_status print_table(report *r, pdessm_model *start, int blocks) {
    FILE *f = r->page.f;
    pdessm_status status = PDESSM_OK;
    fputs("<div class=\"scroll\"><table><thead><tr><th class=\"n\">block</th>"
          "<th class=\"n\">blur, tokens: least</th><th class=\"n\">median</th>"
          "<th class=\"n\">most</th>",
          f);
    fputs(start ? "<th class=\"n\">median at the start</th>" : "", f);
    fputs("<th class=\"n\">shift, tokens: median</th><th class=\"n\">most</th>"
          "<th class=\"n\">mean kept, e^r</th><th class=\"n\">|weight|: median</th>"
          "<th class=\"n\">most</th></tr></thead><tbody>\n",
          f);
    for (int i = 0; i < blocks; i++)
        PDESSM_TRY(print_ranges(r, start, i));
    fputs("</tbody></table></div>\n", f);
out:
    return status;
}

pdessm_status pdessm_cli_report_kernels(report *r) {
    const pdessm_config *config = r->model ? pdessm_model_get_config(r->model) : NULL;
    pdessm_model *start = NULL;
    pdessm_status status = PDESSM_OK;
    if (!config)
        return PDESSM_OK;
    fputs("<h2>What the mixers have learned</h2>\n", r->page.f);
    if (config->mixer != PDESSM_MIXER_ATTENTION)
        print_introduction(r, config);
    if (config->mixer == PDESSM_MIXER_PDE && r->has_settings) {
        PDESSM_TRY(pdessm_model_create(r->c->device, config, 0, &start));
        PDESSM_TRY(pdessm_model_init(start, (uint64_t)r->settings.seed));
    }
    if (config->mixer == PDESSM_MIXER_PDE)
        PDESSM_TRY(print_table(r, start, config->depth));
    for (int i = 0; i < config->depth; i++)
        PDESSM_TRY(print_block(r, start, i));
out:
    pdessm_model_destroy(&start);
    return status;
}
