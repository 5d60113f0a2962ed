/* SPDX-License-Identifier: MIT */
/* map_fixture.h: a small set of images of three classes for the tests of maps. */
#ifndef PDESSM_TESTS_MAP_FIXTURE_H
#define PDESSM_TESTS_MAP_FIXTURE_H

#include "data_fixture.h"

#include <math.h>

#include <pdessm/fit.h>
#include <pdessm/pdessm.h>

enum { COUNT = 240, SIDE = 6, CHANNELS = 2, D = CHANNELS * SIDE * SIDE, CLASSES = 3 };

/* Images whose pixels hang together, differently in each class; class 2 is half as large. */
static inline void draw(float *images, int32_t *labels) {
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % CLASSES;
        for (int c = 0; c < CHANNELS; c++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++) {
                    double a = sin(0.37 * i * (labels[i] + 1)), b = cos(1.9 * i + c);
                    double wave = a * sin(0.8 * x + labels[i]) + b * cos(0.5 * y * (c + 1));
                    double grain = sin(12.9898 * ((i * CHANNELS + c) * SIDE * SIDE + y * SIDE + x));
                    images[((i * CHANNELS + c) * SIDE + y) * SIDE + x] =
                        (float)((wave + 0.1 * grain + 0.2 * x) / (1 + (labels[i] == 2)));
                }
    }
}

typedef struct set {
    pdessm_device *device;
    pdessm_dataset *data;
    float images[COUNT * D];
    int32_t labels[COUNT];
} set;

/* Through a file, as users' arrays come. */
static inline set *open_set(fixture *f) {
    static set s;
    const pdessm_safetensors_tensor tensors[] = {
        {"latents", PDESSM_FILE_F32, 4, {COUNT, CHANNELS, SIDE, SIDE}},
        {"labels", PDESSM_FILE_I32, 1, {COUNT}}};
    pdessm_safetensors_writer *writer = NULL;
    const char *path = fixture_path(f, "x.safetensors");
    draw(s.images, s.labels);
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, tensors, 2, &writer));
    assert_ok(f, pdessm_safetensors_writer_write(writer, s.images, sizeof s.images));
    assert_ok(f, pdessm_safetensors_writer_write(writer, s.labels, sizeof s.labels));
    assert_ok(f, pdessm_safetensors_writer_finish(writer));
    pdessm_safetensors_writer_destroy(&writer);
    assert_ok(f, pdessm_device_open(f->ctx, "cpu", &s.device));
    assert_ok(f, pdessm_dataset_open(f->ctx, path, NULL, &s.data));
    return &s;
}

static inline void close_set(set *s) {
    pdessm_dataset_destroy(&s->data);
    pdessm_device_destroy(&s->device);
}

static inline pdessm_precondition *fitted(fixture *f, const set *s, pdessm_precondition_kind kind,
                                          int pooled) {
    pdessm_precondition_options o = pdessm_precondition_defaults(kind);
    pdessm_precondition *map = NULL;
    o.pooled = pooled;
    o.batch = 7;
    o.layers = 3;
    o.hidden = 16;
    o.steps = 12; /* enough to move images, too few to learn anything */
    assert_ok(f, pdessm_precondition_fit(s->device, s->data, &o, &map));
    return map;
}

#endif
