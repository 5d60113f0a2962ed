/* SPDX-License-Identifier: MIT */
/* test_whitening_helps.c: why preconditioning helps, where it can be computed by hand. A linear
 * velocity v(x_t) = A x_t is trained by gradient descent at t = 0.95 on data with the eigenvalues
 * 1, 0.1, 0.01, 0.001. With the step 2 eta = 1 / s_max the error along eigenvector i of Sigma_t is
 * multiplied by 1 - s_i / s_max each time: after 100 steps 0, 2e-5, 28 % and 69 % are left, while
 * all of it is gone behind a whitening map. */
#include "data_fixture.h"

#include <math.h>

#include <pdessm/diagnostics.h>
#include <pdessm/fit.h>
#include <pdessm/pdessm.h>

enum { N = 256, D = 4, STEPS = 100 };
static const double T = 0.95, eigenvalue[D] = {1, 0.1, 0.01, 0.001};

/* Orthonormal rows: no eigenvector is a pixel. */
static const double direction[D][D] = {
    {0.5, 0.5, 0.5, 0.5}, {0.5, -0.5, 0.5, -0.5}, {0.5, 0.5, -0.5, -0.5}, {0.5, -0.5, -0.5, 0.5}};

/* Gradients of a linear model know the second moments of data and noise alone. All 2^8 choices of
 * signs have exactly those that a Gaussian has on average. */
static double sign_of(int sample, int bit) {
    return sample >> bit & 1 ? 1 : -1;
}

static void draw(float *data, float *noise) {
    memset(data, 0, N * D * sizeof *data);
    for (int s = 0; s < N; s++)
        for (int i = 0; i < D; i++) {
            for (int k = 0; k < D; k++)
                data[s * D + k] += (float)(sqrt(eigenvalue[i]) * sign_of(s, i) * direction[i][k]);
            noise[s * D + i] = (float)sign_of(s, D + i);
        }
}

typedef struct experiment {
    fixture *f;
    pdessm_device *device;
    float data[N * D], noise[N * D];
    double left[D]; /* share of the error along each eigenvector */
} experiment;

/* variance[i]: of the data along direction i. A* = (t Sigma - (1 - t) I) Sigma_t^-1. */
static void train(experiment *e, const double *variance) {
    fixture *f = e->f;
    const int64_t image[] = {N, 1, 2, 2}, flat[] = {N, D}, square[] = {D, D}, batch = N;
    pdessm_tape *tape = NULL;
    pdessm_tensor *a = NULL, *gradient = NULL, *x_t, *v;
    float weight[D * D] = {0}, slope[D * D], times[N];
    double most = 0;
    for (int i = 0; i < N; i++)
        times[i] = (float)T;
    for (int i = 0; i < D; i++)
        most = fmax(most, (1 - T) * (1 - T) + T * T * variance[i]);
    assert_ok(f, pdessm_tensor_create(e->device, PDESSM_FLOAT32, 2, square, &a));
    assert_ok(f, pdessm_tensor_create(e->device, PDESSM_FLOAT32, 2, square, &gradient));
    assert_ok(f, pdessm_tape_create(e->device, &tape));
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *z = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *t = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, &batch);
    pdessm_flow_path(tape, x, z, t, &x_t, &v);
    pdessm_tensor *y = pdessm_linear(tape, pdessm_reshape(tape, x_t, 2, flat),
                                     pdessm_tape_parameter(tape, a, gradient), NULL, 1);
    assert_ok(f,
              pdessm_tape_plan(tape, pdessm_mse_loss(tape, y, pdessm_reshape(tape, v, 2, flat))));
    assert_ok(f, pdessm_tensor_write(x, e->data));
    assert_ok(f, pdessm_tensor_write(z, e->noise));
    assert_ok(f, pdessm_tensor_write(t, times));
    for (int step = 0; step < STEPS; step++) {
        assert_ok(f, pdessm_tensor_write(a, weight));
        assert_ok(f, pdessm_tensor_zero(gradient));
        assert_ok(f, pdessm_tape_forward(tape));
        assert_ok(f, pdessm_tape_backward(tape));
        assert_ok(f, pdessm_tensor_read(gradient, slope));
        for (int i = 0; i < D * D; i++) /* the loss is the mean over D components */
            weight[i] -= (float)(D * (double)slope[i] / (2 * most));
    }
    for (int i = 0; i < D; i++) {
        double best = (T * variance[i] - (1 - T)) / ((1 - T) * (1 - T) + T * T * variance[i]);
        double error = 0;
        for (int k = 0; k < D; k++) {
            double component = -best * direction[i][k];
            for (int j = 0; j < D; j++)
                component += (double)weight[k * D + j] * direction[i][j];
            error += component * component;
        }
        e->left[i] = sqrt(error) / fabs(best);
    }
    pdessm_tape_destroy(&tape);
    pdessm_tensor_destroy(&a);
    pdessm_tensor_destroy(&gradient);
}

static void print_left(const char *what, const experiment *e) {
    print_message("%s: error left after %d steps: %.1e %.1e %.3f %.3f\n", what, STEPS, e->left[0],
                  e->left[1], e->left[2], e->left[3]);
}

static pdessm_precondition *whitening(experiment *e) {
    fixture *f = e->f;
    const char *path = fixture_path(f, "x.safetensors");
    const pdessm_safetensors_tensor tensor = {"latents", PDESSM_FILE_F32, 4, {N, 1, 2, 2}};
    pdessm_safetensors_writer *writer = NULL;
    pdessm_precondition_options o = pdessm_precondition_defaults(PDESSM_PRECONDITION_WHITEN);
    pdessm_precondition *map = NULL;
    pdessm_dataset *data = NULL;
    assert_ok(f, pdessm_safetensors_writer_create(f->ctx, path, NULL, 0, &tensor, 1, &writer));
    assert_ok(f, pdessm_safetensors_writer_write(writer, e->data, sizeof e->data));
    assert_ok(f, pdessm_safetensors_writer_finish(writer));
    pdessm_safetensors_writer_destroy(&writer);
    assert_ok(f, pdessm_dataset_open(f->ctx, path, NULL, &data));
    o.epsilon = 1e-6;
    assert_ok(f, pdessm_precondition_fit(e->device, data, &o, &map));
    pdessm_dataset_destroy(&data);
    return map;
}

static void low_variances_stall(void **state) {
    static experiment e;
    static const double expected[D] = {0, 2e-5, 0.28, 0.69};
    fixture *f = e.f = *state;
    double condition = ((1 - T) * (1 - T) + T * T * eigenvalue[0]) /
                       ((1 - T) * (1 - T) + T * T * eigenvalue[D - 1]);
    assert_int_equal(lround(condition), 266);
    assert_ok(f, pdessm_device_open(f->ctx, "cpu", &e.device));
    draw(e.data, e.noise);
    train(&e, eigenvalue);
    print_left("raw", &e);
    for (int i = 0; i < D; i++) {
        double s = (1 - T) * (1 - T) + T * T * eigenvalue[i];
        double theory = pow(1 - s / ((1 - T) * (1 - T) + T * T), STEPS);
        assert_true(fabs(e.left[i] - theory) < 1e-4);
        assert_true(fabs(e.left[i] - expected[i]) < 0.005);
    }

    pdessm_precondition *map = whitening(&e);
    assert_ok(f, pdessm_precondition_apply(map, N, 2, 2, NULL, e.data, e.data));
    const double even[D] = {1, 1, 1, 1};
    train(&e, even);
    print_left("whitened", &e);
    for (int i = 0; i < D; i++)
        assert_true(e.left[i] < 1e-3); /* epsilon leaves 0.03 % of the lowest variance unwhitened */
    pdessm_precondition_destroy(&map);
    pdessm_device_destroy(&e.device);
}

int main(void) {
    const struct CMUnitTest tests[] = {data_test(low_variances_stall)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
