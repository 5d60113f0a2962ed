/* SPDX-License-Identifier: MIT */
/* grid.c: many small images in one picture, with names of rows and columns. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "files/array.h"
#include "files/font.h"
#include "files/image.h"

/* Where things are, in pixels of the picture. */
struct grid {
    int64_t rows, columns, scale, gap, text; /* text: scale of the font */
    int64_t cell_height, cell_width, top, left;
    pdessm_bitmap picture;
};

static int64_t widest_label(const char *const *labels, int64_t count, int64_t scale) {
    int64_t widest = 0;
    for (int64_t i = 0; labels && i < count; i++) {
        int64_t width = pdessm_text_width(labels[i], scale);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void lay_out(struct grid *grid, int64_t count, int64_t height, int64_t width,
                    const pdessm_grid_options *options) {
    grid->columns = options->columns > 0 ? options->columns : (int64_t)ceil(sqrt((double)count));
    grid->rows = (count + grid->columns - 1) / grid->columns;
    grid->scale = options->scale > 0 ? options->scale : 1;
    grid->gap = options->gap > 0 ? options->gap : 2;
    grid->cell_height = height * grid->scale;
    grid->cell_width = width * grid->scale;
    /* Text grows with the images as far as a line of it fits beside one. */
    grid->text = grid->scale < 4 ? 1 : grid->scale / 2;
    while (grid->text > 1 && grid->text * PDESSM_FONT_HEIGHT > grid->cell_height)
        grid->text--;
    grid->left = grid->top = grid->gap;
    if (options->row_labels)
        grid->left += widest_label(options->row_labels, grid->rows, grid->text) + grid->gap;
    if (options->column_labels)
        grid->top += grid->text * PDESSM_FONT_HEIGHT + grid->gap;
    grid->picture.height = grid->top + grid->rows * (grid->cell_height + grid->gap);
    grid->picture.width = grid->left + grid->columns * (grid->cell_width + grid->gap);
}

static int64_t cell_y(const struct grid *grid, int64_t row) {
    return grid->top + row * (grid->cell_height + grid->gap);
}

static int64_t cell_x(const struct grid *grid, int64_t column) {
    return grid->left + column * (grid->cell_width + grid->gap);
}

/* image: bytes [height, width, channels] */
static void draw_image(const struct grid *grid, const uint8_t *image, int64_t index) {
    const pdessm_bitmap *picture = &grid->picture;
    int64_t y0 = cell_y(grid, index / grid->columns), x0 = cell_x(grid, index % grid->columns);
    int64_t source_width = grid->cell_width / grid->scale;
    size_t bytes = (size_t)picture->channels;
    for (int64_t y = 0; y < grid->cell_height; y++)
        for (int64_t x = 0; x < grid->cell_width; x++)
            memcpy(picture->pixels + ((y0 + y) * picture->width + x0 + x) * picture->channels,
                   image + (y / grid->scale * source_width + x / grid->scale) * picture->channels,
                   bytes);
}

static void draw_labels(struct grid *grid, const pdessm_grid_options *options) {
    int64_t down = (grid->cell_height - grid->text * PDESSM_FONT_HEIGHT) / 2;
    for (int64_t r = 0; options->row_labels && r < grid->rows; r++)
        pdessm_text_draw(&grid->picture, options->row_labels[r], cell_y(grid, r) + down, grid->gap,
                         grid->left - grid->gap, grid->text);
    for (int64_t c = 0; options->column_labels && c < grid->columns; c++) {
        const char *text = options->column_labels[c];
        /* A name that is wider than its column is set smaller, then cut. */
        int64_t scale = grid->text;
        while (scale > 1 && pdessm_text_width(text, scale) > grid->cell_width)
            scale--;
        pdessm_text_draw(&grid->picture, text, grid->gap, cell_x(grid, c),
                         cell_x(grid, c) + grid->cell_width, scale);
    }
}

pdessm_status pdessm_grid_create(pdessm_context *ctx, const float *images, int64_t count,
                                 int64_t channels, int64_t height, int64_t width,
                                 const pdessm_grid_options *options, pdessm_bitmap *ret) {
    pdessm_status status;
    const pdessm_grid_options plain = {0};
    struct grid grid = {.picture = {.channels = channels}};
    uint8_t *bytes = NULL;
    if (!options)
        options = &plain;
    PDESSM_REQUIRE(ctx, count > 0 && height > 0 && width > 0 && (channels == 1 || channels == 3),
                   PDESSM_ERROR_ARGUMENT,
                   "a grid of %lld images of %lld channels, %lld x %lld pixels cannot be drawn; "
                   "1 or 3 channels can",
                   (long long)count, (long long)channels, (long long)height, (long long)width);
    lay_out(&grid, count, height, width, options);
    const int64_t dims[] = {grid.picture.height, grid.picture.width, channels};
    int64_t total = pdessm_extent_product(3, dims, 1);
    PDESSM_REQUIRE(ctx, total > 0, PDESSM_ERROR_ARGUMENT, "a grid of absurd size");
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)total, 1, &grid.picture.pixels));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(height * width), (size_t)channels, &bytes));
    memset(grid.picture.pixels, 255, (size_t)total);
    for (int64_t i = 0; i < count; i++) {
        pdessm_images_to_bytes(images + i * channels * height * width, 1, channels, height, width,
                               bytes);
        draw_image(&grid, bytes, i);
    }
    draw_labels(&grid, options);
    *ret = grid.picture;
    grid.picture.pixels = NULL;
out:
    free(bytes);
    pdessm_bitmap_release(&grid.picture);
    return status;
}

pdessm_status pdessm_grid_write(pdessm_context *ctx, const char *path, const float *images,
                                int64_t count, int64_t channels, int64_t height, int64_t width,
                                const pdessm_grid_options *options) {
    pdessm_bitmap picture = {0};
    pdessm_status status =
        pdessm_grid_create(ctx, images, count, channels, height, width, options, &picture);
    if (status == PDESSM_OK)
        status = pdessm_png_write(ctx, path, &picture);
    pdessm_bitmap_release(&picture);
    return status;
}
