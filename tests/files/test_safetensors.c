/* SPDX-License-Identifier: MIT */
/* test_safetensors.c: round trips, and files that lie. */
#include "data_fixture.h"

#include <math.h>

#include <pdessm/safetensors.h>

static const pdessm_safetensors_pair metadata[] = {{"pdessm.config", "{\"a\": \"b\\n\"}"},
                                                   {"format", "pt"}};
static const pdessm_safetensors_tensor tensors[] = {
    {"b.weight", PDESSM_FILE_F32, 2, {2, 3}},
    {"a", PDESSM_FILE_I64, 0, {0}},
    {"empty", PDESSM_FILE_F32, 2, {0, 7}},
    {"c", PDESSM_FILE_U8, 1, {3}},
};
static const float weights[6] = {1, -2, 3.5f, 1e-30f, 0, -0.0f};
static const int64_t scalar = -7;

static const char *write_sample(fixture *f) {
    const char *path = fixture_path(f, "sample.safetensors");
    pdessm_safetensors_writer *writer = NULL;
    uint8_t all[35];
    memcpy(all, weights, 24);
    memcpy(all + 24, &scalar, 8);
    memcpy(all + 32, "xyz", 3);
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, metadata, 2, tensors, 4, &writer));
    for (size_t at = 0; at < sizeof all; at += 5) /* chunks that cross the tensors' ends */
        assert_ok(f, pdessm_safetensors_writer_write(writer, all + at, 5));
    assert_ok(f, pdessm_safetensors_writer_finish(writer));
    pdessm_safetensors_writer_destroy(&writer);
    assert_null(writer);
    return path;
}

static void round_trip(void **state) {
    fixture *f = *state;
    pdessm_safetensors *file = NULL;
    const pdessm_safetensors_entry *entry;
    const int64_t right[] = {2, -1}, wrong[] = {2, 4};
    float floats[6];
    int64_t integer, bytes[3];
    assert_ok(f, pdessm_safetensors_open(f->ctx, write_sample(f), &file));
    assert_int_equal(pdessm_safetensors_count(file), 4);
    assert_string_equal(pdessm_safetensors_at(file, 0)->name, "a");
    assert_string_equal(pdessm_safetensors_metadata(file, "pdessm.config"), metadata[0].value);
    assert_int_equal(pdessm_safetensors_metadata_count(file), 2);
    assert_null(pdessm_safetensors_metadata(file, "Format"));
    assert_null(pdessm_safetensors_find(file, "b"));
    assert_ok(f, pdessm_safetensors_expect(file, "b.weight", 2, right, &entry));
    assert_int_equal((uintptr_t)entry->data % 8, 0);
    assert_ok(f, pdessm_safetensors_read_float(file, entry, floats));
    assert_memory_equal(floats, weights, sizeof weights);
    assert_ok(f, pdessm_safetensors_read_int(file, pdessm_safetensors_find(file, "a"), &integer));
    assert_int_equal(integer, -7);
    assert_ok(f, pdessm_safetensors_read_int(file, pdessm_safetensors_find(file, "c"), bytes));
    assert_int_equal(bytes[2], 'z');
    assert_int_equal(pdessm_safetensors_find(file, "empty")->count, 0);
    assert_fails(f, pdessm_safetensors_expect(file, "b.weight", 2, wrong, &entry),
                 PDESSM_ERROR_FILE, "[2, 3]; [2, 4] was expected");
    assert_fails(f, pdessm_safetensors_expect(file, "nope", 0, NULL, &entry), PDESSM_ERROR_FILE,
                 "tensor nope is missing");
    assert_fails(f, pdessm_safetensors_read_int(file, entry, bytes), PDESSM_ERROR_FILE,
                 "holds F32");
    pdessm_safetensors_destroy(&file);
    assert_null(file);
}

/* A file in memory: a header text and some bytes. */
static size_t assemble(uint8_t *ret, const char *header, size_t data) {
    uint64_t length = strlen(header);
    memcpy(ret, &length, 8);
    memcpy(ret + 8, header, length);
    for (size_t i = 0; i < data; i++)
        ret[8 + length + i] = (uint8_t)i;
    return 8 + length + data;
}

static void half_precision(void **state) {
    fixture *f = *state;
    uint8_t file_bytes[512];
    size_t size = assemble(file_bytes,
                           "{\"h\":{\"dtype\":\"F16\",\"shape\":[6],\"data_offsets\":[0,12]},"
                           "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[12,16]}}",
                           16);
    /* 1, -2, largest, smallest subnormal, -inf, nan; then 1 and -0.15625 */
    const uint16_t bits[8] = {0x3c00, 0xc000, 0x7bff, 1, 0xfc00, 0x7e00, 0x3f80, 0xbe20};
    const float want[4] = {1, -2, 65504, 0x1p-24f};
    float got[6];
    pdessm_safetensors *file = NULL;
    memcpy(file_bytes + size - 16, bits, 16);
    assert_ok(f, pdessm_safetensors_open_memory(f->ctx, "m", file_bytes, size, &file));
    assert_ok(f, pdessm_safetensors_read_float(file, pdessm_safetensors_find(file, "h"), got));
    assert_memory_equal(got, want, sizeof want);
    assert_true(isinf(got[4]) && got[4] < 0 && isnan(got[5]));
    assert_ok(f, pdessm_safetensors_read_float(file, pdessm_safetensors_find(file, "b"), got));
    assert_true(got[0] == 1 && got[1] == -0.15625f);
    pdessm_safetensors_destroy(&file);
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void hostile_headers(void **state) {
    static const struct {
        const char *header, *message;
        size_t data;
    } cases[] = {
        {"", "does not begin with {", 0},
        {"[1]", "does not begin with {", 0},
        {"{\"x\":", "not JSON", 0},
        {"{} x", "not JSON", 0},
        {"{\"x\":{\"shape\":[[1]]}}", "nests more than 3", 0},
        {"{}", "behind the last tensor", 1},
        {"{\"x\":1}", "tensor x: not an object", 0},
        {"{\"\":" T("F32", "[1]", "[0,4]") "}", "empty or has control", 4},
        {"{\"a\\nb\":" T("F32", "[1]", "[0,4]") "}", "control characters", 4},
        {"{\"x\":" T("F8", "[1]", "[0,4]") "}", "tensor x: unknown dtype", 4},
        {"{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "tensor x: no shape", 4},
        {"{\"x\":" T("F32", "[-1]", "[0,4]") "}", "extent 0 is not a whole", 4},
        {"{\"x\":" T("F32", "[1.5]", "[0,4]") "}", "extent 0 is not a whole", 4},
        {"{\"x\":" T("F32", "[1e999]", "[0,4]") "}", "extent 0 is not a whole", 4},
        {"{\"x\":" T("F32", "[\"1\"]", "[0,4]") "}", "extent 0 is not a whole", 4},
        {"{\"x\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", "more than 8 dimensions", 4},
        {"{\"x\":" T("F32", "[4294967296,4294967296]", "[0,4]") "}", "overflow", 4},
        {"{\"x\":" T("F32", "[4611686018427387904]", "[0,0]") "}", "extent 0", 0},
        {"{\"x\":" T("F32", "[1]", "[0]") "}", "must be [begin, end]", 4},
        {"{\"x\":" T("F32", "[1]", "[4,0]") "}", "must be [begin, end]", 4},
        {"{\"x\":" T("F32", "[1]", "[-4,0]") "}", "must be [begin, end]", 4},
        {"{\"x\":" T("F32", "[1]", "[0,8]") "}", "needs 4 bytes, its data_offsets span 8", 8},
        {"{\"x\":" T("F32", "[2]", "[0,8]") "}", "was it cut off?", 4},
        {"{\"x\":" T("F32", "[1]", "[4,8]") "}", "unused bytes lie in front", 8},
        {"{\"x\":" T("F32", "[1]", "[0,4]") ",\"y\":" T("F32", "[1]", "[2,6]") "}", "overlaps", 6},
        {"{\"x\":" T("F32", "[1]", "[0,4]") ",\"x\":" T("F32", "[1]", "[4,8]") "}", "twice", 8},
        {"{\"__metadata__\":{\"a\":1}}", "something other than strings", 0},
        {"{\"__metadata__\":[]}", "__metadata__ is not an object", 0},
        {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "holds a twice", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__ is there twice", 0},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[1024];
        size_t size = assemble(bytes, cases[i].header, cases[i].data);
        pdessm_safetensors *file = NULL;
        assert_fails(f, pdessm_safetensors_open_memory(f->ctx, "evil", bytes, size, &file),
                     PDESSM_ERROR_FILE, cases[i].message);
        assert_null(file);
    }
}

/* The bytes of the sample in a block of exactly their size, for the sanitizers' sake. */
static uint8_t *load_sample(fixture *f, size_t *ret_size) {
    FILE *in = fopen(write_sample(f), "rb");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *ret_size = (size_t)ftell(in);
    rewind(in);
    uint8_t *bytes = malloc(*ret_size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *ret_size, in), *ret_size);
    fclose(in);
    return bytes;
}

static void every_truncation_is_an_error(void **state) {
    fixture *f = *state;
    size_t size;
    uint8_t *bytes = load_sample(f, &size);
    for (size_t n = 0; n < size; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, bytes, n);
        pdessm_safetensors *file = NULL;
        assert_fails(f, pdessm_safetensors_open_memory(f->ctx, "cut", cut, n, &file),
                     PDESSM_ERROR_FILE, "cut: ");
        free(cut);
    }
    free(bytes);
}

static void flipped_bytes_do_no_harm(void **state) {
    fixture *f = *state;
    size_t size;
    uint8_t *bytes = load_sample(f, &size);
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        pdessm_safetensors *file = NULL;
        pdessm_status status =
            pdessm_safetensors_open_memory(f->ctx, "flipped", bytes, size, &file);
        assert_true(status == PDESSM_OK || status == PDESSM_ERROR_FILE);
        pdessm_safetensors_destroy(&file);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    free(bytes);
}

static void absurd_header_length(void **state) {
    fixture *f = *state;
    const uint64_t lengths[] = {100000001, UINT64_MAX, UINT64_MAX - 7, 9};
    for (size_t i = 0; i < 4; i++) {
        uint8_t bytes[16] = {0};
        pdessm_safetensors *file = NULL;
        memcpy(bytes, &lengths[i], 8);
        assert_fails(f, pdessm_safetensors_open_memory(f->ctx, "evil", bytes, 16, &file),
                     PDESSM_ERROR_FILE, lengths[i] == 9 ? "cut off" : "at most 100000000");
    }
}

static void writer_refuses(void **state) {
    fixture *f = *state;
    const char *path = fixture_path(f, "x");
    struct stat about;
    pdessm_safetensors_writer *writer = NULL;
    const pdessm_safetensors_tensor twice[] = {{"a", PDESSM_FILE_U8, 1, {1}},
                                               {"a", PDESSM_FILE_U8, 1, {1}}};
    const pdessm_safetensors_tensor huge = {"a", PDESSM_FILE_F32, 2, {INT64_MAX, 2}};
    assert_fails(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, twice, 2, &writer),
                 PDESSM_ERROR_ARGUMENT, "two tensors are named a");
    assert_fails(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, &huge, 1, &writer),
                 PDESSM_ERROR_ARGUMENT, "impossible extents");
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, twice, 1, &writer));
    assert_fails(f, pdessm_safetensors_writer_finish(writer), PDESSM_ERROR_ARGUMENT,
                 "1 bytes of the announced tensors were never written");
    assert_fails(f, pdessm_safetensors_writer_write(writer, "ab", 2), PDESSM_ERROR_ARGUMENT,
                 "1 bytes more");
    pdessm_safetensors_writer_destroy(&writer);
    assert_int_not_equal(stat(path, &about), 0);
    assert_int_equal(rmdir(f->folder), 0); /* nothing is left behind */
    assert_int_equal(mkdir(f->folder, 0777), 0);
}

static void full_disk(void **state) {
    fixture *f = *state;
    static const uint8_t page[4096];
    const pdessm_safetensors_tensor tensor = {"a", PDESSM_FILE_U8, 1, {4096}};
    pdessm_safetensors_writer *writer = NULL;
    pdessm_status status =
        pdessm_safetensors_writer_create(f->ctx, "/dev/full", NULL, 0, &tensor, 1, &writer);
    if (status == PDESSM_OK)
        status = pdessm_safetensors_writer_write(writer, page, sizeof page);
    assert_fails(f, status, PDESSM_ERROR_IO, "/dev/full: the disk is full: the file needs 4");
    pdessm_safetensors_writer_destroy(&writer);
}

static void missing_file(void **state) {
    fixture *f = *state;
    pdessm_safetensors *file = NULL;
    assert_fails(f, pdessm_safetensors_open(f->ctx, "/nonexistent/x", &file), PDESSM_ERROR_FILE,
                 "/nonexistent/x: cannot open");
    assert_fails(f, pdessm_safetensors_open(f->ctx, f->folder, &file), PDESSM_ERROR_FILE,
                 "is a folder");
    assert_fails(f, pdessm_safetensors_open(f->ctx, fixture_write(f, "e", "", 0), &file),
                 PDESSM_ERROR_FILE, "cut off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(round_trip),
        data_test(half_precision),
        data_test(hostile_headers),
        data_test(every_truncation_is_an_error),
        data_test(flipped_bytes_do_no_harm),
        data_test(absurd_header_length),
        data_test(writer_refuses),
        data_test(full_disk),
        data_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
