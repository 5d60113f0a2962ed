/* SPDX-License-Identifier: MIT */
/* test_image_formats.c: PNG, JPEG, grids, and bringing images to a size. */
#include "data_fixture.h"

#include <math.h>
#include <png.h>
#include <turbojpeg.h>

#include "dataset/resize.h"
#include "files/file.h"
#include "files/image.h"

enum { MOST = 1 << 20 };

static void png_round_trip(void **state) {
    fixture *f = *state;
    const char *path = fixture_path(f, "a.png");
    for (int64_t channels = 1; channels <= 3; channels += 2) {
        uint8_t pixels[5 * 7 * 3];
        const pdessm_bitmap picture = {5, 7, channels, pixels};
        pdessm_bitmap back = {0};
        pdessm_bytes bytes = {0};
        for (size_t i = 0; i < sizeof pixels; i++)
            pixels[i] = (uint8_t)(i * 37);
        assert_ok(f, pdessm_png_write(f->ctx, path, &picture));
        assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
        assert_ok(f, pdessm_image_decode(f->ctx, path, bytes.data, bytes.size, MOST, &back));
        assert_true(back.height == 5 && back.width == 7 && back.channels == channels);
        assert_memory_equal(back.pixels, pixels, (size_t)(35 * channels));
        pdessm_bitmap_release(&back);
        assert_fails(f, pdessm_image_decode(f->ctx, path, bytes.data, bytes.size, 100, &back),
                     PDESSM_ERROR_FILE, "limit of 100 bytes");
        pdessm_bytes_release(&bytes);
    }
    const pdessm_bitmap two = {1, 1, 2, (uint8_t *)(uintptr_t) "ab"};
    assert_fails(f, pdessm_png_write(f->ctx, path, &two), PDESSM_ERROR_ARGUMENT, "write .npz");
}

/* Encodes with libpng in any of its formats. */
static size_t encode_png(png_uint_32 format, const void *pixels, const void *map, uint8_t *ret,
                         size_t space) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = 2,
                       .height = 1,
                       .format = format,
                       .colormap_entries = 2};
    png_alloc_size_t size = space;
    assert_true(png_image_write_to_memory(&image, ret, &size, 0, pixels, 0, map));
    return size;
}

static void png_formats(void **state) {
    fixture *f = *state;
    uint8_t file[4096];
    pdessm_bitmap p = {0};
    const uint8_t alpha[] = {200, 100, 0, 255, 200, 100, 0, 51};
    size_t size = encode_png(PNG_FORMAT_RGBA, alpha, NULL, file, sizeof file);
    assert_ok(f, pdessm_image_decode(f->ctx, "a", file, size, MOST, &p));
    const uint8_t blended[] = {200, 100, 0, 244, 224, 204}; /* a fifth over white */
    assert_memory_equal(p.pixels, blended, 6);
    pdessm_bitmap_release(&p);
    const uint8_t indices[] = {1, 0}, map[] = {10, 20, 30, 40, 50, 60};
    size = encode_png(PNG_FORMAT_RGB_COLORMAP, indices, map, file, sizeof file);
    assert_ok(f, pdessm_image_decode(f->ctx, "a", file, size, MOST, &p));
    const uint8_t resolved[] = {40, 50, 60, 10, 20, 30};
    assert_true(p.channels == 3);
    assert_memory_equal(p.pixels, resolved, 6);
    pdessm_bitmap_release(&p);
    const uint16_t deep[] = {65535, 0};
    size = encode_png(PNG_FORMAT_LINEAR_Y, deep, NULL, file, sizeof file);
    assert_ok(f, pdessm_image_decode(f->ctx, "a", file, size, MOST, &p));
    assert_true(p.channels == 1 && p.pixels[0] == 255 && p.pixels[1] == 0);
    pdessm_bitmap_release(&p);
}

static void broken_images(void **state) {
    fixture *f = *state;
    uint8_t file[4096], pixels[6] = {1, 2, 3, 4, 5, 6}, *jpeg = NULL, frame[16 * 16] = {0};
    unsigned long jpeg_size = 0;
    size_t size = encode_png(PNG_FORMAT_RGB, pixels, NULL, file, sizeof file);
    tjhandle handle = tjInitCompress();
    for (int i = 0; i < 256; i++)
        frame[i] = (uint8_t)(i * 89);
    assert_int_equal(
        tjCompress2(handle, frame, 16, 0, 16, TJPF_GRAY, &jpeg, &jpeg_size, TJSAMP_GRAY, 90, 0), 0);
    tjDestroy(handle);
    const uint8_t *const data[] = {file, jpeg};
    const size_t sizes[] = {size, jpeg_size};
    pdessm_bitmap p = {0};
    for (int k = 0; k < 2; k++) {
        /* The last 12 bytes of a PNG (IEND) and 2 of a JPEG (EOI) carry no pixel. */
        for (size_t n = 0; n + (k ? 2 : 12) < sizes[k]; n++) {
            uint8_t *cut = malloc(n ? n : 1);
            assert_non_null(cut);
            memcpy(cut, data[k], n);
            assert_int_equal(pdessm_image_decode(f->ctx, "cut", cut, n, MOST, &p),
                             PDESSM_ERROR_FILE);
            free(cut);
        }
    }
    assert_ok(f, pdessm_image_decode(f->ctx, "j", jpeg, jpeg_size, MOST, &p));
    assert_true(p.channels == 1 && p.height == 16);
    pdessm_bitmap_release(&p);
    assert_fails(f, pdessm_image_decode(f->ctx, "j", jpeg, jpeg_size - 20, MOST, &p),
                 PDESSM_ERROR_FILE, "j: damaged or cut off: Premature end");
    assert_fails(f, pdessm_image_decode(f->ctx, "j", jpeg, jpeg_size, 255, &p), PDESSM_ERROR_FILE,
                 "limit of 255");
    assert_fails(f, pdessm_image_decode(f->ctx, "t", (const uint8_t *)"text", 4, MOST, &p),
                 PDESSM_ERROR_FILE, "t: neither PNG nor JPEG");
    tjFree(jpeg);
}

static void floats_to_bytes(void **state) {
    (void)state;
    const float planar[] = {-1, 1, 0, -2, 2, NAN}; /* two channels of three pixels */
    uint8_t bytes[6];
    const uint8_t want[] = {0, 0, 255, 255, 128, 0};
    pdessm_images_to_bytes(planar, 1, 2, 1, 3, bytes);
    assert_memory_equal(bytes, want, 6);
}

static void grid(void **state) {
    fixture *f = *state;
    const float images[5] = {-1, -1, -1, -1, -1};
    static const char *const rows[] = {"A", "long"}, *const columns[] = {"1", "2", "3"};
    pdessm_grid_options options = {.columns = 3, .scale = 10, .gap = 1};
    pdessm_bitmap p = {0};
    assert_ok(f, pdessm_grid_create(f->ctx, images, 5, 1, 1, 1, &options, &p));
    assert_true(p.height == 1 + 2 * 11 && p.width == 1 + 3 * 11 && p.channels == 1);
    assert_int_equal(p.pixels[0], 255);
    assert_int_equal(p.pixels[p.width + 1], 0);
    assert_int_equal(p.pixels[12 * p.width + 1 + 2 * 11], 255); /* the sixth place is empty */
    pdessm_bitmap_release(&p);
    options.row_labels = rows;
    options.column_labels = columns;
    assert_ok(f, pdessm_grid_create(f->ctx, images, 5, 1, 1, 1, &options, &p));
    /* Text one size: 7 points and a gap above, 4 letters of 6 points and a gap at the left. */
    assert_true(p.height == 1 + 7 + 1 + 22 && p.width == 1 + 24 + 1 + 33);
    int64_t dark = 0;
    for (int64_t y = 9; y < 20; y++)
        for (int64_t x = 0; x < 25; x++)
            dark += p.pixels[y * p.width + x] == 0;
    assert_int_equal(dark, 18); /* the points of the letter A */
    pdessm_bitmap_release(&p);
    assert_fails(f, pdessm_grid_write(f->ctx, "x", images, 1, 5, 1, 1, NULL), PDESSM_ERROR_ARGUMENT,
                 "1 or 3 channels");
}

static void fit_sizes(void **state) {
    fixture *f = *state;
    const uint8_t in[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150};
    uint8_t out[64];
    pdessm_resizer *plan = NULL;
    assert_ok(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_STRETCH, 4, 4, 2, 2, &plan));
    pdessm_resizer_bytes(plan, in, 1, out);
    assert_memory_equal(out, ((const uint8_t[]){25, 45, 105, 125}), 4); /* means of 2 x 2 */
    pdessm_resizer_destroy(&plan);
    assert_ok(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_STRETCH, 1, 2, 1, 4, &plan));
    pdessm_resizer_bytes(plan, in, 1, out);
    assert_memory_equal(out, ((const uint8_t[]){0, 3, 8, 10}), 4); /* 2.5 and 7.5, rounded */
    pdessm_resizer_destroy(&plan);
    assert_ok(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_PAD, 1, 2, 3, 4, &plan));
    pdessm_resizer_bytes(plan, in + 1, 1, out);
    assert_memory_equal(out, ((const uint8_t[]){0, 0, 0, 0, 0, 10, 20, 0, 0, 0, 0, 0}), 12);
    pdessm_resizer_destroy(&plan);
    assert_ok(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_CROP, 2, 8, 2, 2, &plan));
    pdessm_resizer_bytes(plan, in, 1, out);
    assert_memory_equal(out, ((const uint8_t[]){30, 40, 110, 120}), 4);
    pdessm_resizer_destroy(&plan);
    assert_fails(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_ERROR, 4, 4, 2, 2, &plan),
                 PDESSM_ERROR_FILE, "--image-size 2x2 --fit resize");
    assert_fails(f, pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_PAD, 4, 4, 8, 2, &plan),
                 PDESSM_ERROR_FILE, "--fit resize or --fit crop");
}

/* Any resampling keeps a constant, and resizing down keeps the mean. */
static void fit_laws(void **state) {
    fixture *f = *state;
    float in[23 * 17], out[64 * 64];
    const int64_t sizes[][2] = {{1, 1}, {5, 3}, {23, 17}, {22, 16}, {64, 64}, {7, 40}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t h = sizes[s][0], w = sizes[s][1];
        pdessm_resizer *plan = NULL;
        double before = 0, after = 0;
        for (int fit = PDESSM_RESIZE_STRETCH; fit <= PDESSM_RESIZE_CROP; fit += 2) {
            for (int i = 0; i < 23 * 17; i++)
                in[i] = 0.75f;
            assert_ok(f,
                      pdessm_resizer_create(f->ctx, "i", (pdessm_resize)fit, 23, 17, h, w, &plan));
            pdessm_resizer_floats(plan, in, 1, out);
            for (int64_t i = 0; i < h * w; i++)
                assert_true(fabsf(out[i] - 0.75f) < 1e-6f);
            pdessm_resizer_destroy(&plan);
        }
        for (int i = 0; i < 23 * 17; i++)
            before += in[i] = (float)(i * 31 % 97) / 97;
        assert_ok(f,
                  pdessm_resizer_create(f->ctx, "i", PDESSM_RESIZE_STRETCH, 23, 17, h, w, &plan));
        pdessm_resizer_floats(plan, in, 1, out);
        for (int64_t i = 0; i < h * w; i++)
            after += (double)out[i];
        if (h <= 23 && w <= 17)
            assert_true(fabs(before / (23 * 17) - after / (double)(h * w)) < 1e-5);
        pdessm_resizer_destroy(&plan);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(png_round_trip),  data_test(png_formats), data_test(broken_images),
        data_test(floats_to_bytes), data_test(grid),        data_test(fit_sizes),
        data_test(fit_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
