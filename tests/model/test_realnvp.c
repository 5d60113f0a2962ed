/* SPDX-License-Identifier: MIT */
/* test_realnvp.c: coupling layers against their definition in float64, their determinant against
 * finite differences of that, and their likelihood against densities that are known. */
#include "data_fixture.h"

#include <math.h>

#include <pdessm/fit.h>
#include <pdessm/pdessm.h>

#include "core/random.h"
#include "model/maps/map.h"

/* Rows of numbers as images of one row, through a file, as users' arrays come. */
static pdessm_dataset *open_data(fixture *f, int64_t n, int64_t height, int64_t width,
                                 const float *images, const int32_t *labels) {
    const pdessm_safetensors_tensor tensors[] = {
        {"latents", PDESSM_FILE_F32, 4, {n, 1, height, width}},
        {"labels", PDESSM_FILE_I32, 1, {n}}};
    const size_t bytes = (size_t)(n * height * width) * sizeof *images;
    const char *path = fixture_path(f, "x.safetensors");
    pdessm_safetensors_writer *writer = NULL;
    pdessm_dataset *data = NULL;
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, tensors, labels ? 2 : 1,
                                                  &writer));
    assert_ok(f, pdessm_safetensors_writer_write(writer, images, bytes));
    if (labels)
        assert_ok(f, pdessm_safetensors_writer_write(writer, labels, (size_t)n * sizeof *labels));
    assert_ok(f, pdessm_safetensors_writer_finish(writer));
    pdessm_safetensors_writer_destroy(&writer);
    assert_ok(f, pdessm_dataset_open(f->ctx, path, NULL, &data));
    return data;
}

static double normal(uint32_t stream, int64_t i) {
    return pdessm_normal(7, PDESSM_RANDOM_CHECK, stream, 0, i);
}

static pdessm_precondition_options small_options(int64_t layers, int64_t hidden, int64_t steps) {
    pdessm_precondition_options o = pdessm_precondition_defaults(PDESSM_PRECONDITION_REALNVP);
    o.layers = layers;
    o.hidden = hidden;
    o.steps = steps;
    o.seed = 3;
    return o;
}

/* ------------------------------------------------------------------ the definition */

/* Odd extents: the halves of the board have 5 and 4 fields. */
enum { COUNT = 80, SIDE = 3, D = SIDE * SIDE, CLASSES = 2, LAYERS = 3, HIDDEN = 6 };

typedef struct set {
    pdessm_device *device;
    pdessm_dataset *data;
    float images[COUNT * D];
    int32_t labels[COUNT];
} set;

/* Grains whose size hangs on the first pixel, so that there is something to learn. */
static set *open_set(fixture *f) {
    static set s;
    for (int i = 0; i < COUNT; i++) {
        s.labels[i] = i % CLASSES;
        double size = exp(0.7 * normal(0, i)) / (1 + s.labels[i]);
        for (int k = 0; k < D; k++)
            s.images[i * D + k] = (float)(0.2 * k + size * normal(1, i * D + k));
    }
    assert_ok(f, pdessm_device_open(f->ctx, "cpu", &s.device));
    s.data = open_data(f, COUNT, SIDE, SIDE, s.images, s.labels);
    return &s;
}

static void close_set(set *s) {
    pdessm_dataset_destroy(&s->data);
    pdessm_device_destroy(&s->device);
}

static pdessm_precondition *fitted(fixture *f, const set *s, uint64_t seed) {
    pdessm_precondition_options o = small_options(LAYERS, HIDDEN, 300);
    pdessm_precondition *map = NULL;
    o.seed = seed;
    assert_ok(f, pdessm_precondition_fit(s->device, s->data, &o, &map));
    return map;
}

static double gelu(double x) {
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

/* out = W in + bias; *at moves behind what was read. */
static void affine(const float **at, int out, int in, const double *x, const double *bias,
                   double *y) {
    for (int i = 0; i < out; i++) {
        y[i] = bias ? bias[i] : 0;
        for (int k = 0; k < in; k++)
            y[i] += (double)(*at)[i * in + k] * x[k];
    }
    *at += out * in;
}

static void take(const float **at, int n, double *ret) {
    for (int i = 0; i < n; i++)
        ret[i] = (double)(*at)[i];
    *at += n;
}

/* One layer on the whitened numbers y; the order of the file is input, label, middle, output. */
static void couple(const float **at, int layer, int label, double *y) {
    double seen[D], h[HIDDEN], hidden[HIDDEN], bias[2 * D], parts[2 * D], out[2 * D * HIDDEN];
    int fields[2][D], count[2] = {0};
    for (int k = 0; k < D; k++) {
        int odd = (k / SIDE + k % SIDE) % 2;
        fields[odd][count[odd]++] = k;
    }
    const int changed = layer % 2, changes = count[changed], sees = count[!changed];
    for (int k = 0; k < sees; k++)
        seen[k] = y[fields[!changed][k]];
    affine(at, HIDDEN, sees, seen, NULL, h);
    for (int i = 0; i < HIDDEN; i++)
        h[i] = gelu(h[i] + (double)(*at)[label * HIDDEN + i]);
    *at += CLASSES * HIDDEN;
    affine(at, HIDDEN, HIDDEN, h, NULL, hidden);
    take(at, HIDDEN, bias);
    for (int i = 0; i < HIDDEN; i++)
        hidden[i] = gelu(hidden[i] + bias[i]);
    take(at, 2 * changes * HIDDEN, out);
    take(at, 2 * changes, bias);
    for (int i = 0; i < 2 * changes; i++) {
        parts[i] = bias[i];
        for (int k = 0; k < HIDDEN; k++)
            parts[i] += out[i * HIDDEN + k] * hidden[k];
    }
    for (int i = 0; i < changes; i++) {
        double *number = &y[fields[changed][i]];
        *number = *number * exp(tanh(parts[i])) + parts[changes + i];
    }
}

/* T_label(x) in float64. */
static void reference(const pdessm_precondition *map, int label, const double *x, double *y) {
    const float *mean = pdessm_map_values(map, "mean") + label * D;
    const float *gain = pdessm_map_values(map, "gain") + label * D;
    const float *vectors = pdessm_map_values(map, "vectors") + label * D * D;
    const float *at = pdessm_map_values(map, "couplings");
    memset(y, 0, D * sizeof *y);
    for (int v = 0; v < D; v++) {
        double part = 0;
        for (int k = 0; k < D; k++)
            part += (double)vectors[v * D + k] * (x[k] - (double)mean[k]);
        for (int k = 0; k < D; k++)
            y[k] += (double)gain[v] * part * (double)vectors[v * D + k];
    }
    for (int layer = 0; layer < LAYERS; layer++)
        couple(&at, layer, label, y);
    assert_ptr_equal(at, map->array[map->count - 1].value + map->array[map->count - 1].count);
}

/* ln |det| by elimination with pivots. */
static double log_det(double a[D][D]) {
    double sum = 0;
    for (int c = 0; c < D; c++) {
        int pivot = c;
        for (int r = c + 1; r < D; r++)
            pivot = fabs(a[r][c]) > fabs(a[pivot][c]) ? r : pivot;
        for (int k = 0; k < D; k++) {
            double swapped = a[c][k];
            a[c][k] = a[pivot][k];
            a[pivot][k] = swapped;
        }
        sum += log(fabs(a[c][c]));
        for (int r = c + 1; r < D; r++)
            for (int k = D - 1; k >= c; k--)
                a[r][k] -= a[r][c] / a[c][c] * a[c][k];
    }
    return sum;
}

static double numeric_log_det(const pdessm_precondition *map, int label, const double *x) {
    const double h = 1e-5;
    double a[D][D], moved[D], above[D], below[D];
    for (int c = 0; c < D; c++) {
        memcpy(moved, x, sizeof moved);
        moved[c] = x[c] + h;
        reference(map, label, moved, above);
        moved[c] = x[c] - h;
        reference(map, label, moved, below);
        for (int r = 0; r < D; r++)
            a[r][c] = (above[r] - below[r]) / (2 * h);
    }
    return log_det(a);
}

static void follows_its_definition(void **state) {
    fixture *f = *state;
    static float mapped[COUNT * D];
    double volume[COUNT], worst = 0, worst_volume = 0, least = INFINITY, most = -INFINITY;
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, 1);
    assert_ok(f, pdessm_precondition_apply(map, COUNT, SIDE, SIDE, s->labels, s->images, mapped));
    assert_ok(f, pdessm_precondition_log_det(map, COUNT, SIDE, SIDE, s->labels, s->images, volume));
    for (int i = 0; i < COUNT; i++) {
        double x[D], y[D];
        for (int k = 0; k < D; k++)
            x[k] = (double)s->images[i * D + k];
        reference(map, s->labels[i], x, y);
        for (int k = 0; k < D; k++)
            worst = fmax(worst, fabs(y[k] - (double)mapped[i * D + k]) / (1 + fabs(y[k])));
        worst_volume = fmax(worst_volume, fabs(volume[i] - numeric_log_det(map, s->labels[i], x)));
        least = fmin(least, volume[i]);
        most = fmax(most, volume[i]);
    }
    print_message("T %.1e, ln det %.1e away; ln det from %.2f to %.2f\n", worst, worst_volume,
                  least, most);
    assert_true(worst < 1e-5 && worst_volume < 1e-5 && most - least > 1);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* A fit that is started again ends with the same bits; another seed with others. */
static void fits_again_alike(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    pdessm_precondition *a = fitted(f, s, 1), *b = fitted(f, s, 1), *c = fitted(f, s, 2);
    const int last = a->count - 1;
    const size_t bytes = (size_t)a->array[last].count * sizeof(float);
    assert_memory_equal(a->array[last].value, b->array[last].value, bytes);
    assert_memory_not_equal(a->array[last].value, c->array[last].value, bytes);
    pdessm_precondition_destroy(&a);
    pdessm_precondition_destroy(&b);
    pdessm_precondition_destroy(&c);
    close_set(s);
}

/* ------------------------------------------------------------------ likelihood */

enum { SAMPLES = 4000, PAIR = 2 };

/* Mean of -ln p over images of one row of PAIR numbers. */
static double surprise(fixture *f, pdessm_precondition *map, const float *images) {
    static float mapped[SAMPLES * PAIR];
    static double volume[SAMPLES];
    double sum = 0;
    assert_ok(f, pdessm_precondition_apply(map, SAMPLES, 1, PAIR, NULL, images, mapped));
    assert_ok(f, pdessm_precondition_log_det(map, SAMPLES, 1, PAIR, NULL, images, volume));
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < PAIR; k++)
            sum += 0.5 * (double)mapped[i * PAIR + k] * (double)mapped[i * PAIR + k];
        sum += 0.5 * PAIR * log(2 * M_PI) - volume[i];
    }
    return sum / SAMPLES;
}

/* (z, 0.5 w + bend (z^2 - 1) + 0.6 z): shears keep volumes, so the entropy does not hang on bend.
 */
static double draw_pairs(uint32_t stream, double bend, float *images) {
    const double deviation = 0.5;
    for (int i = 0; i < SAMPLES; i++) {
        double z = normal(stream, 2 * i), w = normal(stream, 2 * i + 1);
        images[2 * i] = (float)z;
        images[2 * i + 1] = (float)(deviation * w + bend * (z * z - 1) + 0.6 * z);
    }
    return log(2 * M_PI * M_E * deviation);
}

/* Of images that the fit has not seen; ret: behind whitening alone, and behind all of it. */
static double learn(fixture *f, double bend, double ret[2]) {
    static float seen[SAMPLES * PAIR], unseen[SAMPLES * PAIR];
    pdessm_device *device = NULL;
    draw_pairs(2, bend, seen);
    const double entropy = draw_pairs(3, bend, unseen);
    pdessm_dataset *data = open_data(f, SAMPLES, 1, PAIR, seen, NULL);
    assert_ok(f, pdessm_device_open(f->ctx, "cpu", &device));
    for (int i = 0; i < 2; i++) {
        pdessm_precondition *map = NULL;
        pdessm_precondition_options o = small_options(4, 16, 1200);
        o.kind = i ? PDESSM_PRECONDITION_REALNVP : PDESSM_PRECONDITION_WHITEN;
        assert_ok(f, pdessm_precondition_fit(device, data, &o, &map));
        ret[i] = surprise(f, map, unseen);
        pdessm_precondition_destroy(&map);
    }
    print_message("bend %.1f: entropy %.3f, -ln p %.3f (whiten) and %.3f (realnvp)\n", bend,
                  entropy, ret[0], ret[1]);
    pdessm_dataset_destroy(&data);
    pdessm_device_destroy(&device);
    return entropy;
}

/* 0.06: four deviations of the mean of -ln p over 4,000 pairs, whose own deviation is 1. */
static void reaches_the_entropy_of_a_gaussian(void **state) {
    double found[2], entropy = learn(*state, 0, found);
    assert_true(fabs(found[1] - entropy) < 0.06);
}

/* Whitening sees second moments only: it stays half the logarithm of 0.25 + 2 bend^2 over 0.25, or
 * 1.1, above the entropy, and coupling layers take nearly all of that away. */
static void learns_what_whitening_cannot(void **state) {
    const double bend = 1, gap = 0.5 * log((0.25 + 2 * bend * bend) / 0.25);
    double found[2], entropy = learn(*state, bend, found);
    assert_true(fabs(found[0] - entropy - gap) < 0.06);
    assert_true(found[1] - entropy > -0.06 && found[1] - entropy < 0.1 * gap);
}

/* ------------------------------------------------------------------ refusals */

static void wrong_calls_are_refused(void **state) {
    fixture *f = *state;
    double volume[COUNT];
    const float dots[4] = {0, 1, 2, 4};
    set *s = open_set(f);
    pdessm_precondition *map = NULL;
    pdessm_precondition_options o = small_options(1, HIDDEN, 1);
    pdessm_dataset *single = open_data(f, 4, 1, 1, dots, NULL);
    assert_fails(f, pdessm_precondition_fit(s->device, s->data, &o, &map), PDESSM_ERROR_ARGUMENT,
                 "2 to 64 layers");
    o.layers = 2;
    assert_fails(f, pdessm_precondition_fit(s->device, single, &o, &map), PDESSM_ERROR_ARGUMENT,
                 "one number");
    assert_null(map);
    o.kind = PDESSM_PRECONDITION_SPECTRAL;
    assert_ok(f, pdessm_precondition_fit(s->device, s->data, &o, &map));
    assert_fails(f,
                 pdessm_precondition_log_det(map, COUNT, SIDE, SIDE, s->labels, s->images, volume),
                 PDESSM_ERROR_ARGUMENT, "determinant");
    pdessm_precondition_destroy(&map);
    pdessm_dataset_destroy(&single);
    close_set(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(follows_its_definition),
        data_test(fits_again_alike),
        data_test(reaches_the_entropy_of_a_gaussian),
        data_test(learns_what_whitening_cannot),
        data_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
