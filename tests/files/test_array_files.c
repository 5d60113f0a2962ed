/* SPDX-License-Identifier: MIT */
/* test_array_files.c: IDX, gzip, CIFAR, .npy and .npz, whole and broken. */
#include "data_fixture.h"

#include <zip.h>
#include <zlib.h>

#include "files/cifar.h"
#include "files/file.h"
#include "files/idx.h"
#include "files/npy.h"

enum { MOST = 1 << 20 };

typedef pdessm_status (*decoder)(pdessm_context *ctx, const char *name, const uint8_t *data,
                                 size_t size, int64_t max_bytes, pdessm_array *ret);

/* Cut off anywhere, the file is an error; with any bit flipped it is an error or an array. */
static void torment(fixture *f, decoder decode, const uint8_t *data, size_t size, int cuts_fail) {
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    for (size_t i = 0; i < size * 8; i++) {
        pdessm_array array = {0};
        copy[i / 8] ^= (uint8_t)(1 << i % 8);
        pdessm_status status = decode(f->ctx, "flipped", copy, size, MOST, &array);
        assert_true(status == PDESSM_OK || status == PDESSM_ERROR_FILE);
        pdessm_array_release(&array);
        copy[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    free(copy);
    for (size_t n = 0; n < size; n++) {
        pdessm_array array = {0};
        copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, data, n);
        pdessm_status status = decode(f->ctx, "cut", copy, n, MOST, &array);
        assert_true(status == PDESSM_ERROR_FILE || (!cuts_fail && status == PDESSM_OK));
        pdessm_array_release(&array);
        free(copy);
    }
}

static void idx(void **state) {
    fixture *f = *state;
    static const uint8_t bytes[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4};
    static const uint8_t ints[] = {0, 0, 12, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0};
    static const uint8_t huge[] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    pdessm_array array = {0};
    assert_ok(f, pdessm_idx_decode(f->ctx, "a", bytes, sizeof bytes, MOST, &array));
    assert_true(array.type == PDESSM_ARRAY_UINT8 && array.rank == 3 && array.dims[2] == 2);
    assert_memory_equal(array.data, bytes + 16, 4);
    pdessm_array_release(&array);
    assert_ok(f, pdessm_idx_decode(f->ctx, "a", ints, sizeof ints, MOST, &array));
    assert_true(((int64_t *)array.data)[0] == -2 && ((int64_t *)array.data)[1] == 256);
    pdessm_array_release(&array);
    assert_fails(f, pdessm_idx_decode(f->ctx, "a", bytes, sizeof bytes, 3, &array),
                 PDESSM_ERROR_FILE, "the limit is 3");
    assert_fails(f, pdessm_idx_decode(f->ctx, "a", huge, sizeof huge, MOST, &array),
                 PDESSM_ERROR_FILE, "absurd extents");
    assert_fails(f, pdessm_idx_decode(f->ctx, "a", (const uint8_t *)"hello", 5, MOST, &array),
                 PDESSM_ERROR_FILE, "not an IDX file");
    torment(f, pdessm_idx_decode, bytes, sizeof bytes, 1);
}

static size_t compress_gzip(const uint8_t *data, size_t size, uint8_t *ret, size_t space) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
                       .avail_in = (uInt)size,
                       .next_out = ret,
                       .avail_out = (uInt)space};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return space - stream.avail_out;
}

static void gzip(void **state) {
    fixture *f = *state;
    enum { SIZE = 300000 };
    uint8_t *data = calloc(SIZE, 1), *packed = malloc(SIZE);
    pdessm_bytes out = {0};
    assert_true(data && packed);
    data[SIZE - 1] = 7;
    size_t size = compress_gzip(data, SIZE, packed, SIZE);
    assert_true(size < 1000);
    memcpy(packed + size, packed, size); /* two members are one file */
    assert_ok(f, pdessm_gunzip(f->ctx, "z", packed, 2 * size, 2 * SIZE, &out));
    assert_true(out.size == 2 * SIZE && out.data[2 * SIZE - 1] == 7);
    pdessm_bytes_release(&out);
    assert_fails(f, pdessm_gunzip(f->ctx, "z", packed, size, SIZE - 1, &out), PDESSM_ERROR_FILE,
                 "more than the limit of 299999 bytes");
    assert_ok(f, pdessm_gunzip(f->ctx, "z", packed, size, SIZE, &out));
    pdessm_bytes_release(&out);
    for (size_t n = 0; n < size; n++)
        assert_fails(f, pdessm_gunzip(f->ctx, "z", packed, n, SIZE, &out), PDESSM_ERROR_FILE,
                     "cut off");
    packed[size - 6] ^= 1; /* the checksum */
    assert_fails(f, pdessm_gunzip(f->ctx, "z", packed, size, SIZE, &out), PDESSM_ERROR_FILE,
                 "damaged gzip data");
    free(data);
    free(packed);
}

static void cifar(void **state) {
    fixture *f = *state;
    uint8_t *data = calloc(2, 3074);
    pdessm_array images = {0}, labels = {0};
    assert_non_null(data);
    data[3073] = 9;
    data[3074] = 200;
    assert_ok(f, pdessm_cifar_decode(f->ctx, "c", data, 2 * 3073, MOST, &images, &labels));
    assert_true(images.dims[0] == 2 && images.dims[1] == 3 && images.dims[3] == 32);
    assert_int_equal(((uint8_t *)images.data)[3072], 200);
    assert_int_equal(((uint8_t *)labels.data)[1], 9);
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    data[1] = 99;
    assert_int_equal(pdessm_cifar_classes(data, 3074), 100);
    assert_ok(f, pdessm_cifar_decode(f->ctx, "c", data, 3074, MOST, &images, &labels));
    assert_int_equal(((uint8_t *)labels.data)[0], 99);
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    data[1] = 100;
    assert_fails(f, pdessm_cifar_decode(f->ctx, "c", data, 3074, MOST, &images, &labels),
                 PDESSM_ERROR_FILE, "not CIFAR");
    for (size_t n = 0; n < 3073; n++)
        assert_int_equal(pdessm_cifar_decode(f->ctx, "c", data, n, MOST, &images, &labels),
                         PDESSM_ERROR_FILE);
    assert_fails(f, pdessm_cifar_decode(f->ctx, "c", data, 2 * 3073, 100, &images, &labels),
                 PDESSM_ERROR_FILE, "limit is 100");
    free(data);
}

/* A .npy file around the header text; returns its size. */
static size_t npy_file(uint8_t *ret, int version, const char *text, size_t data) {
    size_t n = strlen(text), begin = version == 1 ? 10 : 12;
    memcpy(ret, "\x93NUMPY", 6);
    memset(ret + 6, 0, 6);
    ret[6] = (uint8_t)version;
    ret[8] = (uint8_t)n;
    memcpy(ret + begin, text, n);
    for (size_t i = 0; i < data; i++)
        ret[begin + n + i] = (uint8_t)(i + 1);
    return begin + n + data;
}

static void npy(void **state) {
    fixture *f = *state;
    uint8_t bytes[512];
    pdessm_array array = {0};
    size_t size =
        npy_file(bytes, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }   \n", 6);
    assert_ok(f, pdessm_npy_decode(f->ctx, "a", bytes, size, MOST, &array));
    assert_true(array.rank == 2 && array.dims[1] == 3 && ((uint8_t *)array.data)[5] == 6);
    pdessm_array_release(&array);
    torment(f, pdessm_npy_decode, bytes, size, 1);
    size = npy_file(bytes, 2, "{\"shape\":(1,),\"descr\":\">i2\",\"fortran_order\":True}", 2);
    assert_ok(f, pdessm_npy_decode(f->ctx, "a", bytes, size, MOST, &array));
    assert_int_equal(((int64_t *)array.data)[0], 0x0102);
    pdessm_array_release(&array);
    static const char *const bad[][2] = {
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", "Fortran order"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "damaged or of another"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "damaged or of another"},
        {"{'descr': '<f4', 'shape': (1,), }", "damaged or of another"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "damaged or of another"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296), }", "absurd"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }", "cut off"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "at most 8"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "damaged"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size = npy_file(bytes, 1, bad[i][0], 8);
        assert_fails(f, pdessm_npy_decode(f->ctx, "a", bytes, size, MOST, &array),
                     PDESSM_ERROR_FILE, bad[i][1]);
    }
}

static void npy_round_trip(void **state) {
    fixture *f = *state;
    float values[3] = {1, -2.5f, 3};
    const pdessm_array array = {PDESSM_ARRAY_FLOAT32, 2, {3, 1}, values};
    const char *path = fixture_path(f, "a.npy");
    pdessm_bytes bytes = {0};
    pdessm_array back = {0};
    assert_ok(f, pdessm_npy_write(f->ctx, path, &array));
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    assert_int_equal(bytes.size, 128 + 12); /* the header fills whole blocks of 64 */
    assert_ok(f, pdessm_npy_decode(f->ctx, path, bytes.data, bytes.size, MOST, &back));
    assert_true(back.rank == 2 && back.dims[0] == 3 && back.dims[1] == 1);
    assert_memory_equal(back.data, values, sizeof values);
    pdessm_array_release(&back);
    pdessm_bytes_release(&bytes);
}

static pdessm_status decode_npz(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret) {
    pdessm_array labels = {0};
    pdessm_status status = pdessm_npz_decode(ctx, name, data, size, max_bytes, ret, &labels);
    pdessm_array_release(&labels);
    return status;
}

static void npz_round_trip(void **state) {
    fixture *f = *state;
    uint8_t pixels[2 * 3 * 4 * 3];
    const int32_t numbers[2] = {7, 1};
    const char *path = fixture_path(f, "a.npz");
    pdessm_bytes bytes = {0};
    pdessm_array images = {0}, labels = {0};
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 3);
    assert_ok(f, pdessm_npz_write(f->ctx, path, pixels, 2, 3, 4, 3, numbers));
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    assert_ok(f, pdessm_npz_decode(f->ctx, path, bytes.data, bytes.size, MOST, &images, &labels));
    assert_true(images.rank == 4 && images.dims[1] == 3 && images.dims[2] == 4);
    assert_memory_equal(images.data, pixels, sizeof pixels);
    assert_int_equal(((int64_t *)labels.data)[0], 7);
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    torment(f, decode_npz, bytes.data, bytes.size, 1);
    pdessm_bytes_release(&bytes);
    assert_ok(f, pdessm_npz_write(f->ctx, path, pixels, 2, 3, 4, 3, NULL));
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    assert_ok(f, pdessm_npz_decode(f->ctx, path, bytes.data, bytes.size, MOST, &images, &labels));
    assert_null(labels.data);
    pdessm_array_release(&images);
    pdessm_bytes_release(&bytes);
    assert_fails(f, pdessm_npz_write(f->ctx, "/nonexistent/a.npz", pixels, 2, 3, 4, 3, NULL),
                 PDESSM_ERROR_IO, "/nonexistent/a.npz");
}

/* 64 MiB of zeros in 64 KiB, by another program's hand. */
static void npz_bomb(void **state) {
    fixture *f = *state;
    enum { SIZE = 64 << 20 };
    const char *path = fixture_path(f, "bomb.npz");
    uint8_t *data = calloc(SIZE, 1);
    pdessm_bytes bytes = {0};
    pdessm_array images = {0};
    assert_non_null(data);
    zip_t *archive = zip_open(path, ZIP_CREATE, NULL);
    assert_non_null(archive);
    zip_source_t *source = zip_source_buffer(archive, data, SIZE, 0);
    assert_true(zip_file_add(archive, "arr_0.npy", source, 0) >= 0);
    assert_int_equal(zip_close(archive), 0);
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    assert_true(bytes.size < 100000);
    assert_fails(f, decode_npz(f->ctx, "bomb", bytes.data, bytes.size, MOST, &images),
                 PDESSM_ERROR_FILE, "more than the limit of 1048576");
    pdessm_bytes_release(&bytes);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(idx),      data_test(gzip),           data_test(cifar),
        data_test(npy),      data_test(npy_round_trip), data_test(npz_round_trip),
        data_test(npz_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
