/* SPDX-License-Identifier: MIT */
/* test_image_sources.c: sets of images: every source, sizes, channels, splits, limits, refusals. */
#include "data_fixture.h"

#include <math.h>

#include <pdessm/data.h>
#include <pdessm/safetensors.h>

#include "files/image.h"
#include "files/npy.h"

static pdessm_dataset *open_set(fixture *f, const char *spec,
                                const pdessm_dataset_options *options) {
    pdessm_dataset *set = NULL;
    assert_ok(f, pdessm_dataset_open(f->ctx, spec, options, &set));
    return set;
}

static void expect_extent(const pdessm_dataset *set, int64_t n, int64_t c, int64_t h, int64_t w) {
    const pdessm_dataset_info *info = pdessm_dataset_get_info(set);
    assert_int_equal(info->count, n);
    assert_int_equal(info->channels, c);
    assert_int_equal(info->height, h);
    assert_int_equal(info->width, w);
}

static void refuses(fixture *f, const char *spec, const pdessm_dataset_options *options,
                    pdessm_status code, const char *text) {
    pdessm_dataset *set = NULL;
    assert_fails(f, pdessm_dataset_open(f->ctx, spec, options, &set), code, text);
    assert_null(set);
}

static void write_png(fixture *f, const char *name, int64_t height, int64_t width, int64_t channels,
                      int value) {
    uint8_t pixels[64 * 3];
    assert_true(height * width <= 64);
    memset(pixels, value, sizeof pixels);
    const pdessm_bitmap picture = {height, width, channels, pixels};
    assert_ok(f, pdessm_png_write(f->ctx, fixture_path(f, name), &picture));
}

static void shapes(void **state) {
    fixture *f = *state;
    pdessm_dataset_options options = {.limit = 40, .seed = 5};
    pdessm_dataset *set = open_set(f, "shapes", &options), *other;
    const size_t image = 3 * 32 * 32;
    float values[3 * 32 * 32];
    expect_extent(set, 40, 3, 32, 32);
    assert_int_equal(pdessm_dataset_get_info(set)->num_classes, 10);
    assert_string_equal(pdessm_dataset_get_info(set)->class_names[9], "heart");
    assert_int_equal(pdessm_dataset_label(set, 13), 3);
    for (int64_t i = 0; i < 40; i++) { /* every image has two colours at least */
        float low = 1, high = -1;
        pdessm_dataset_image(set, i, values);
        for (size_t k = 0; k < image; k++) {
            low = fminf(low, values[k]);
            high = fmaxf(high, values[k]);
        }
        assert_true(low >= -1 && high <= 1 && high - low > 0.2f);
    }
    /* An image depends on the seed and its number, not on how many are drawn. */
    options.limit = 15;
    other = open_set(f, "shapes", &options);
    assert_memory_equal(pdessm_dataset_pixels(set), pdessm_dataset_pixels(other), 15 * image);
    pdessm_dataset_destroy(&other);
    options.seed = 6;
    other = open_set(f, "shapes", &options);
    assert_memory_not_equal(pdessm_dataset_pixels(set), pdessm_dataset_pixels(other), image);
    pdessm_dataset_destroy(&other);
    options = (pdessm_dataset_options){.limit = 15, .seed = 5, .split = PDESSM_SPLIT_TEST};
    other = open_set(f, "shapes", &options);
    assert_memory_not_equal(pdessm_dataset_pixels(set), pdessm_dataset_pixels(other), image);
    pdessm_dataset_destroy(&other);
    pdessm_dataset_destroy(&set);
    options = (pdessm_dataset_options){.limit = 3, .height = 17, .width = 64, .channels = 1};
    set = open_set(f, "shapes", &options);
    expect_extent(set, 3, 1, 17, 64);
    pdessm_dataset_destroy(&set);
    options.channels = 2;
    refuses(f, "shapes", &options, PDESSM_ERROR_ARGUMENT, "1 or 3 are drawn");
}

static const uint8_t idx_images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 51, 0};
static const uint8_t idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 4, 2};

static void idx_folder(void **state) {
    fixture *f = *state;
    pdessm_dataset_options options = {0};
    float values[6];
    fixture_write(f, "train-images-idx3-ubyte", idx_images, sizeof idx_images);
    fixture_write(f, "train-labels-idx1-ubyte", idx_labels, sizeof idx_labels);
    pdessm_dataset *set = open_set(f, f->folder, NULL);
    expect_extent(set, 2, 1, 1, 2);
    assert_int_equal(pdessm_dataset_get_info(set)->num_classes, 5);
    assert_int_equal(pdessm_dataset_label(set, 0), 4);
    pdessm_dataset_image(set, 1, values);
    assert_true(fabsf(values[0] + 0.6f) < 1e-6f && values[1] == -1);
    pdessm_dataset_destroy(&set);
    options = (pdessm_dataset_options){.channels = 3, .limit = 1};
    set = open_set(f, f->folder, &options);
    expect_extent(set, 1, 3, 1, 2);
    pdessm_dataset_image(set, 0, values);
    assert_true(values[0] == -1 && values[1] == 1 && values[4] == -1 && values[5] == 1);
    pdessm_dataset_destroy(&set);
    options = (pdessm_dataset_options){.height = 3, .width = 4, .resize = PDESSM_RESIZE_PAD};
    set = open_set(f, f->folder, &options);
    expect_extent(set, 2, 1, 3, 4);
    assert_int_equal(((const uint8_t *)pdessm_dataset_pixels(set))[6], 255);
    pdessm_dataset_destroy(&set);
    options.resize = PDESSM_RESIZE_ERROR;
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "--image-size 3x4 --fit resize");
    options = (pdessm_dataset_options){.split = PDESSM_SPLIT_TEST};
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "no t10k-images-idx3-ubyte");
    options = (pdessm_dataset_options){.max_bytes = 3};
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "limit is 3");
    options = (pdessm_dataset_options){.height = 3};
    refuses(f, f->folder, &options, PDESSM_ERROR_ARGUMENT, "image size 3x0");
    options = (pdessm_dataset_options){.channels = 4};
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "has 1 channels, 4 were expected");
    refuses(f, fixture_path(f, "train-labels-idx1-ubyte"), NULL, PDESSM_ERROR_FILE, "holds labels");
    fixture_write(f, "train-labels-idx1-ubyte", idx_labels, sizeof idx_labels - 1);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "train-labels-idx1-ubyte: cut off");
    const uint8_t one_label[] = {0, 0, 8, 1, 0, 0, 0, 1, 4};
    fixture_write(f, "train-labels-idx1-ubyte", one_label, sizeof one_label);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "1 labels for 2 images");
}

static void cifar_folder(void **state) {
    fixture *f = *state;
    uint8_t *batch = calloc(2, 3073);
    pdessm_dataset_options options = {0};
    assert_non_null(batch);
    batch[0] = 3;
    batch[3073] = 9;
    fixture_write(f, "data_batch_2.bin", batch, 2 * 3073);
    batch[0] = 1;
    fixture_write(f, "data_batch_1.bin", batch, 3073);
    pdessm_dataset *set = open_set(f, f->folder, NULL);
    expect_extent(set, 3, 3, 32, 32);
    assert_int_equal(pdessm_dataset_get_info(set)->num_classes, 10);
    assert_null(pdessm_dataset_get_info(set)->class_names);
    assert_true(pdessm_dataset_label(set, 0) == 1 && pdessm_dataset_label(set, 1) == 3);
    pdessm_dataset_destroy(&set);
    const char names[] = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n";
    fixture_write(f, "batches.meta.txt", names, sizeof names - 1);
    set = open_set(f, f->folder, NULL);
    assert_string_equal(pdessm_dataset_get_info(set)->class_names[9], "j");
    pdessm_dataset_destroy(&set);
    fixture_write(f, "batches.meta.txt", names, 4);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "another number of lines");
    options.split = PDESSM_SPLIT_TEST;
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "none for this split");
    refuses(f, fixture_path(f, "data_batch_1.bin"), &options, PDESSM_ERROR_ARGUMENT,
            "no test split");
    set = open_set(f, fixture_path(f, "data_batch_2.bin"), NULL);
    expect_extent(set, 2, 3, 32, 32);
    pdessm_dataset_destroy(&set);
    free(batch);
}

static void image_folder(void **state) {
    fixture *f = *state;
    pdessm_dataset_options options = {0};
    fixture_mkdir(f, "cat");
    fixture_mkdir(f, "ant");
    write_png(f, "cat/1.png", 4, 4, 3, 255);
    write_png(f, "cat/0.PNG", 4, 4, 3, 0);
    write_png(f, "ant/x.png", 4, 4, 3, 102);
    fixture_write(f, "ant/notes.txt", "hi", 2);
    pdessm_dataset *set = open_set(f, f->folder, NULL);
    expect_extent(set, 3, 3, 4, 4);
    const uint8_t *pixels = pdessm_dataset_pixels(set);
    assert_string_equal(pdessm_dataset_get_info(set)->class_names[0], "ant");
    assert_non_null(strstr(f->log, "skipped 1 entries"));
    /* One of each class in turn. */
    assert_true(pixels[0] == 102 && pixels[48] == 0 && pixels[96] == 255);
    assert_true(pdessm_dataset_label(set, 0) == 0 && pdessm_dataset_label(set, 1) == 1);
    pdessm_dataset_destroy(&set);
    write_png(f, "cat/2.png", 8, 6, 3, 9);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "is 8 x 6 pixels, but");
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "--image-size 4x4 --fit resize");
    options = (pdessm_dataset_options){.height = 5, .width = 5, .resize = PDESSM_RESIZE_CROP};
    set = open_set(f, f->folder, &options);
    expect_extent(set, 4, 3, 5, 5);
    pdessm_dataset_destroy(&set);
    options.max_bytes = 299;
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "smaller --image-size or --limit");
    write_png(f, "cat/2.png", 4, 4, 1, 9);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "give --channels 1 or --channels 3");
    options = (pdessm_dataset_options){.channels = 1};
    set = open_set(f, f->folder, &options);
    expect_extent(set, 4, 1, 4, 4);
    pdessm_dataset_destroy(&set);
    fixture_write(f, "cat/2.png", "\x89PNG\r\n\x1a\nxx", 10);
    refuses(f, f->folder, &options, PDESSM_ERROR_FILE, "cat/2.png: not a readable PNG");
    write_png(f, "stray.png", 4, 4, 3, 1);
    refuses(f, f->folder, NULL, PDESSM_ERROR_FILE, "holds images and subfolders");
}

static void flat_and_split_folders(void **state) {
    fixture *f = *state;
    const char *flat = fixture_mkdir(f, "flat");
    pdessm_dataset_options test = {.split = PDESSM_SPLIT_TEST};
    refuses(f, flat, NULL, PDESSM_ERROR_FILE, "holds no .png");
    write_png(f, "flat/a.png", 2, 3, 1, 7);
    pdessm_dataset *set = open_set(f, flat, NULL);
    expect_extent(set, 1, 1, 2, 3);
    assert_int_equal(pdessm_dataset_label(set, 0), -1);
    assert_false(pdessm_dataset_get_info(set)->has_labels);
    pdessm_dataset_destroy(&set);
    refuses(f, flat, &test, PDESSM_ERROR_ARGUMENT, "has no test split");
    refuses(f, fixture_path(f, "flat/a.png"), NULL, PDESSM_ERROR_FILE, "a single image");
    const char *split = fixture_mkdir(f, "split");
    fixture_mkdir(f, "split/train");
    fixture_mkdir(f, "split/train/k");
    fixture_mkdir(f, "split/val");
    fixture_mkdir(f, "split/val/k");
    write_png(f, "split/train/k/a.png", 1, 1, 1, 10);
    write_png(f, "split/val/k/a.png", 1, 1, 1, 20);
    set = open_set(f, split, NULL);
    assert_int_equal(*(const uint8_t *)pdessm_dataset_pixels(set), 10);
    pdessm_dataset_destroy(&set);
    set = open_set(f, split, &test);
    assert_int_equal(*(const uint8_t *)pdessm_dataset_pixels(set), 20);
    assert_int_equal(pdessm_dataset_get_info(set)->num_classes, 1);
    pdessm_dataset_destroy(&set);
}

static const char *write_npy(fixture *f, pdessm_array_type type, int rank, const int64_t *dims,
                             const void *data) {
    pdessm_array array = {.type = type, .rank = rank, .data = (void *)(uintptr_t)data};
    const char *path = fixture_path(f, "a.npy");
    memcpy(array.dims, dims, (size_t)rank * sizeof *dims);
    assert_ok(f, pdessm_npy_write(f->ctx, path, &array));
    return path;
}

static void npy_layouts(void **state) {
    fixture *f = *state;
    uint8_t bytes[24];
    pdessm_dataset_options options = {0};
    for (int i = 0; i < 24; i++)
        bytes[i] = (uint8_t)i;
    const char *path = write_npy(f, PDESSM_ARRAY_UINT8, 4, (int64_t[]){1, 4, 2, 3}, bytes);
    pdessm_dataset *set = open_set(f, path, NULL);
    expect_extent(set, 1, 3, 4, 2);
    assert_int_equal(((const uint8_t *)pdessm_dataset_pixels(set))[1], 3); /* made planar */
    pdessm_dataset_destroy(&set);
    options.layout = PDESSM_LAYOUT_NCHW;
    set = open_set(f, path, &options);
    expect_extent(set, 1, 4, 2, 3);
    pdessm_dataset_destroy(&set);
    path = write_npy(f, PDESSM_ARRAY_UINT8, 4, (int64_t[]){2, 2, 3, 2}, bytes);
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "give --layout nchw or --layout nhwc");
    path = write_npy(f, PDESSM_ARRAY_UINT8, 3, (int64_t[]){2, 3, 4}, bytes);
    set = open_set(f, path, NULL);
    expect_extent(set, 2, 1, 3, 4);
    pdessm_dataset_destroy(&set);
    path = write_npy(f, PDESSM_ARRAY_UINT8, 2, (int64_t[]){6, 4}, bytes);
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "2 dimensions");
    path = write_npy(f, PDESSM_ARRAY_UINT8, 3, (int64_t[]){0, 3, 4}, bytes);
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "holds no image");
    path = write_npy(f, PDESSM_ARRAY_INT64, 3, (int64_t[]){1, 1, 3}, bytes);
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "wider than 8 bits");
}

static void float_images(void **state) {
    fixture *f = *state;
    float values[4] = {-1, 0.5f, 1, 0}, got[4];
    const char *path = write_npy(f, PDESSM_ARRAY_FLOAT32, 3, (int64_t[]){1, 2, 2}, values);
    pdessm_dataset *set = open_set(f, path, NULL);
    assert_true(pdessm_dataset_get_info(set)->is_float);
    assert_string_equal(f->log, "");
    pdessm_dataset_image(set, 0, got);
    assert_memory_equal(got, values, sizeof values);
    pdessm_dataset_destroy(&set);
    values[2] = 200;
    set = open_set(f, write_npy(f, PDESSM_ARRAY_FLOAT32, 3, (int64_t[]){1, 2, 2}, values), NULL);
    assert_non_null(strstr(f->log, "floats in [-1, 200] are used as is"));
    pdessm_dataset_destroy(&set);
    values[2] = NAN;
    path = write_npy(f, PDESSM_ARRAY_FLOAT32, 3, (int64_t[]){2, 1, 2}, values);
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "image 1 holds a value that is not finite");
}

static void npz_and_latents(void **state) {
    fixture *f = *state;
    uint8_t pixels[2 * 4 * 5 * 3] = {9};
    int32_t labels[2] = {1, 0};
    const char *path = fixture_path(f, "a.npz");
    assert_ok(f, pdessm_npz_write(f->ctx, path, pixels, 2, 4, 5, 3, labels));
    pdessm_dataset *set = open_set(f, path, NULL);
    expect_extent(set, 2, 3, 4, 5);
    assert_int_equal(pdessm_dataset_label(set, 0), 1);
    pdessm_dataset_destroy(&set);
    labels[1] = -1;
    assert_ok(f, pdessm_npz_write(f->ctx, path, pixels, 2, 4, 5, 3, labels));
    refuses(f, path, NULL, PDESSM_ERROR_FILE, "label -1 of image 1");
    const pdessm_safetensors_tensor tensors[] = {{"latents", PDESSM_FILE_F32, 4, {1, 4, 1, 2}},
                                                 {"labels", PDESSM_FILE_I64, 1, {1}}};
    const float latents[8] = {5, -6, 7, 8, 9, 10, 11, 12};
    const int64_t label = 2;
    float got[8];
    pdessm_safetensors_writer *writer = NULL;
    path = fixture_path(f, "latents.safetensors");
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, tensors, 2, &writer));
    assert_ok(f, pdessm_safetensors_writer_write(writer, latents, sizeof latents));
    assert_ok(f, pdessm_safetensors_writer_write(writer, &label, sizeof label));
    assert_ok(f, pdessm_safetensors_writer_finish(writer));
    pdessm_safetensors_writer_destroy(&writer);
    set = open_set(f, path, NULL);
    expect_extent(set, 1, 4, 1, 2);
    pdessm_dataset_image(set, 0, got);
    assert_memory_equal(got, latents, sizeof latents);
    assert_int_equal(pdessm_dataset_get_info(set)->num_classes, 3);
    pdessm_dataset_destroy(&set);
}

static void unknown_sources(void **state) {
    fixture *f = *state;
    refuses(f, "/nonexistent", NULL, PDESSM_ERROR_FILE, "/nonexistent: No such file");
    refuses(f, fixture_write(f, "x", "some text", 9), NULL, PDESSM_ERROR_FILE, "not IDX, CIFAR");
    refuses(f, fixture_write(f, "y", "", 0), NULL, PDESSM_ERROR_FILE, "not IDX, CIFAR");
    refuses(f, "/dev/null", NULL, PDESSM_ERROR_FILE, "not a regular file");
}

static void fashion(void **state) {
    fixture *f = *state;
    pdessm_dataset *set = NULL;
    const pdessm_dataset_options options = {.split = PDESSM_SPLIT_TEST, .limit = 100};
    pdessm_status status = pdessm_dataset_open(f->ctx, "fashion-mnist", &options, &set);
    if (status != PDESSM_OK) {
        assert_fails(f, status, PDESSM_ERROR_FILE, "apt install dataset-fashion-mnist");
        return;
    }
    expect_extent(set, 100, 1, 28, 28);
    assert_string_equal(pdessm_dataset_get_info(set)->class_names[9], "Boot");
    assert_int_equal(pdessm_dataset_label(set, 0), 9);
    pdessm_dataset_destroy(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(shapes),          data_test(idx_folder),      data_test(cifar_folder),
        data_test(image_folder),    data_test(npy_layouts),     data_test(flat_and_split_folders),
        data_test(float_images),    data_test(npz_and_latents), data_test(fashion),
        data_test(unknown_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
