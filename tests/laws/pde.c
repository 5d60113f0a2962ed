/* SPDX-License-Identifier: MIT */
/* pde.c: what convection, diffusion and reaction do to a field, on grids of every parity: facts of
 * the equation that hold without a second implementation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"
#include "device/device.h"

enum { BATCH = 2, CHANNELS = 5, MOST = 1 << 16 };

static const int64_t grids[][2] = {{7, 7}, {14, 14}, {16, 12}, {15, 9}, {1, 8}, {6, 1}, {37, 5}};
enum { GRIDS = sizeof grids / sizeof *grids };

/* Coefficients of one term, the same in every channel. */
typedef struct equation {
    double kyy, kxy, kxx, by, bx, r;
} equation;

typedef struct fixture {
    pdessm_context *ctx;
    pdessm_device *device;
} fixture;

static int open_device(void **state) {
    static fixture f;
    const char *name = getenv("PDESSM_TEST_DEVICE");
    if (pdessm_context_create(NULL, &f.ctx) != PDESSM_OK ||
        pdessm_device_open(f.ctx, name ? name : "cpu", &f.device) != PDESSM_OK) {
        fprintf(stderr, "%s\n", f.ctx ? pdessm_context_error(f.ctx) : "out of memory");
        return -1;
    }
    *state = &f;
    return 0;
}

static int close_device(void **state) {
    fixture *f = *state;
    pdessm_device_destroy(&f->device);
    pdessm_context_destroy(&f->ctx);
    return 0;
}

static void ok(const fixture *f, pdessm_status status) {
    if (status != PDESSM_OK)
        fail_msg("%s", pdessm_context_error(f->ctx));
}

static pdessm_tensor *tensor(const fixture *f, int rank, const int64_t *dims, const float *values) {
    pdessm_tensor *t = NULL;
    ok(f, pdessm_tensor_create(f->device, PDESSM_FLOAT32, rank, dims, &t));
    if (values)
        ok(f, pdessm_tensor_write(t, values));
    return t;
}

static pdessm_tensor *field(const fixture *f, const int64_t grid[2], const float *values) {
    return tensor(f, 4, (int64_t[]){BATCH, grid[0], grid[1], CHANNELS}, values);
}

static int64_t field_size(const int64_t grid[2]) {
    return BATCH * grid[0] * grid[1] * CHANNELS;
}

/* G = D + w exp(lambda) on a grid. */
static pdessm_tensor *symbol_of(const fixture *f, const int64_t grid[2], equation e, double w,
                                double skip) {
    float k[3 * CHANNELS], b[2 * CHANNELS], r[CHANNELS], weight[CHANNELS], d[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        k[3 * c] = (float)e.kyy;
        k[3 * c + 1] = (float)e.kxy;
        k[3 * c + 2] = (float)e.kxx;
        b[2 * c] = (float)e.by;
        b[2 * c + 1] = (float)e.bx;
        r[c] = (float)e.r;
        weight[c] = (float)w;
        d[c] = (float)skip;
    }
    pdessm_tensor *in[5] = {
        tensor(f, 3, (int64_t[]){CHANNELS, 1, 3}, k), tensor(f, 3, (int64_t[]){CHANNELS, 1, 2}, b),
        tensor(f, 2, (int64_t[]){CHANNELS, 1}, r), tensor(f, 2, (int64_t[]){CHANNELS, 1}, weight),
        tensor(f, 1, (int64_t[]){CHANNELS}, d)};
    pdessm_tensor *symbol = tensor(f, 4, (int64_t[]){grid[0], grid[1] / 2 + 1, CHANNELS, 2}, NULL);
    pdessm_call call = {.op = PDESSM_OP_cdr_symbol,
                        .operand = {in[0], in[1], in[2], in[3], in[4], symbol},
                        .attribute = {(double)grid[0], (double)grid[1], 0}};
    ok(f, pdessm_dispatch(f->device, &call));
    for (int i = 0; i < 5; i++)
        pdessm_tensor_destroy(&in[i]);
    return symbol;
}

/* y = irfft2(G rfft2(u)) */
static void filter(const fixture *f, const int64_t grid[2], pdessm_tensor *symbol, const float *u,
                   float *y) {
    pdessm_tensor *in = field(f, grid, u), *out = field(f, grid, NULL);
    pdessm_call call = {.op = PDESSM_OP_spectral_filter, .operand = {in, symbol, out}};
    ok(f, pdessm_dispatch(f->device, &call));
    ok(f, pdessm_tensor_read(out, y));
    pdessm_tensor_destroy(&in);
    pdessm_tensor_destroy(&out);
}

static void solve(const fixture *f, const int64_t grid[2], equation e, const float *u, float *y) {
    pdessm_tensor *symbol = symbol_of(f, grid, e, 1, 0);
    filter(f, grid, symbol, u, y);
    pdessm_tensor_destroy(&symbol);
}

/* Gradients of sum(dy . y) for u and the symbol. */
static void differentiate(const fixture *f, const int64_t grid[2], pdessm_tensor *symbol,
                          const float *u, const float *dy, float *du, float *dsymbol) {
    const int64_t dims[] = {grid[0], grid[1] / 2 + 1, CHANNELS, 2};
    pdessm_tensor *in = field(f, grid, u), *out = field(f, grid, NULL);
    pdessm_tensor *in_gradient = field(f, grid, NULL), *out_gradient = field(f, grid, dy);
    pdessm_tensor *symbol_gradient = tensor(f, 4, dims, NULL);
    pdessm_call call = {.op = PDESSM_OP_spectral_filter,
                        .pass = PDESSM_BACKWARD,
                        .operand = {in, symbol, out},
                        .gradient = {in_gradient, symbol_gradient, out_gradient}};
    ok(f, pdessm_dispatch(f->device, &call));
    ok(f, pdessm_tensor_read(in_gradient, du));
    ok(f, pdessm_tensor_read(symbol_gradient, dsymbol));
    pdessm_tensor *all[] = {in, out, in_gradient, out_gradient, symbol_gradient};
    for (int i = 0; i < 5; i++)
        pdessm_tensor_destroy(&all[i]);
}

static double dot(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void assert_near(double got, double expected, double scale, const char *what) {
    if (!(fabs(got - expected) <= 1e-5 * scale))
        fail_msg("%s: got %.9g, expected %.9g", what, got, expected);
}

static void assert_fields(const float *got, const float *expected, int64_t n, const char *what) {
    for (int64_t i = 0; i < n; i++)
        assert_near(got[i], expected[i], 1, what);
}

static const equation mixture = {3e-3, 1e-3, 2e-3, 0.11, -0.07, -0.2};

static float u[MOST], v[MOST], y[MOST], z[MOST];

/* A delta becomes e^r times a periodised Gaussian of covariance 2K, centred at -b. */
static void impulse_response(void **state) {
    const int64_t grid[2] = {32, 35};
    const equation e = mixture;
    double determinant = e.kyy * e.kxx - e.kxy * e.kxy;
    for (int64_t i = 0; i < field_size(grid); i++)
        u[i] = i < CHANNELS ? (float)(grid[0] * grid[1]) : 0;
    solve(*state, grid, e, u, y);
    for (int64_t i = 0; i < grid[0] * grid[1]; i++) {
        double sum = 0;
        for (int n = -2; n <= 2; n++)
            for (int m = -2; m <= 2; m++) {
                double dy = (double)(i / grid[1]) / (double)grid[0] + e.by + n;
                double dx = (double)(i % grid[1]) / (double)grid[1] + e.bx + m;
                double q = (e.kxx * dy * dy - 2 * e.kxy * dy * dx + e.kyy * dx * dx) / determinant;
                sum += exp(-q / 4) / (4 * 3.14159265358979 * sqrt(determinant));
            }
        for (int c = 0; c < CHANNELS; c++)
            assert_near(y[i * CHANNELS + c], exp(e.r) * sum, 50, "impulse response");
    }
}

static equation times(equation e, double s) {
    return (equation){s * e.kyy, s * e.kxy, s * e.kxx, s * e.by, s * e.bx, s * e.r};
}

/* A time s and then a time t are a time s + t. */
static void semigroup(void **state) {
    for (int g = 0; g < GRIDS; g++) {
        pdessm_quick_fill(u, field_size(grids[g]), 1);
        solve(*state, grids[g], times(mixture, 0.25), u, v);
        solve(*state, grids[g], times(mixture, 0.5), v, y);
        solve(*state, grids[g], times(mixture, 0.75), u, z);
        assert_fields(y, z, field_size(grids[g]), "semigroup");
    }
}

/* Only reaction changes the mean: by e^r. */
static void mean(void **state) {
    for (int g = 0; g < GRIDS; g++) {
        int64_t points = grids[g][0] * grids[g][1];
        pdessm_quick_fill(u, field_size(grids[g]), 2);
        solve(*state, grids[g], mixture, u, y);
        for (int64_t plane = 0; plane < BATCH * CHANNELS; plane++) {
            double before = 0, after = 0;
            int64_t at = plane / CHANNELS * points * CHANNELS + plane % CHANNELS;
            for (int64_t i = 0; i < points; i++, at += CHANNELS) {
                before += u[at];
                after += y[at];
            }
            assert_near(after, exp(mixture.r) * before, (double)points, "mean");
        }
    }
}

/* Pure convection turns phases and nothing else, so it keeps the energy too. */
static void unit_modulus(void **state) {
    const equation e = {.by = 0.23, .bx = -0.19};
    for (int g = 0; g < GRIDS; g++) {
        int64_t n = field_size(grids[g]), modes = grids[g][0] * (grids[g][1] / 2 + 1) * CHANNELS;
        pdessm_tensor *symbol = symbol_of(*state, grids[g], e, 1, 0);
        ok(*state, pdessm_tensor_read(symbol, z));
        for (int64_t i = 0; i < modes; i++)
            assert_near(hypot(z[2 * i], z[2 * i + 1]), 1, 1, "modulus");
        pdessm_quick_fill(u, n, 3);
        filter(*state, grids[g], symbol, u, y);
        pdessm_tensor_destroy(&symbol);
        assert_near(dot(y, y, n), dot(u, u, n), (double)n, "energy");
    }
}

/* Convection by a whole pixel is a shift; odd grids have no Nyquist lines that would stay behind.
 */
static void shift(void **state) {
    const int64_t grid[2] = {9, 15};
    const equation e = {.by = 1.0 / 9, .bx = -2.0 / 15};
    pdessm_quick_fill(u, field_size(grid), 4);
    solve(*state, grid, e, u, y);
    for (int64_t b = 0; b < BATCH; b++)
        for (int64_t i = 0; i < grid[0]; i++)
            for (int64_t j = 0; j < grid[1]; j++) {
                int64_t from = (b * 9 + (i + 1) % 9) * 15 + (j + 13) % 15;
                int64_t to = (b * 9 + i) * 15 + j;
                for (int c = 0; c < CHANNELS; c++)
                    assert_near(y[to * CHANNELS + c], u[from * CHANNELS + c], 1, "shift");
            }
}

static void diffusion_is_self_adjoint(void **state) {
    const equation e = {.kyy = 2e-3, .kxy = 1e-3, .kxx = 4e-3};
    for (int g = 0; g < GRIDS; g++) {
        int64_t n = field_size(grids[g]);
        pdessm_quick_fill(u, n, 5);
        pdessm_quick_fill(v, n, 6);
        solve(*state, grids[g], e, u, y);
        solve(*state, grids[g], e, v, z);
        assert_near(dot(v, y, n), dot(z, u, n), sqrt((double)n), "self-adjoint");
    }
}

/* <v, F u> = <F' v, u> with F' by the backward pass; symbols that are not Hermitian included. */
static void adjoint(void **state) {
    const fixture *f = *state;
    static float dsymbol[MOST];
    for (int g = 0; g < GRIDS; g++) {
        int64_t n = field_size(grids[g]), half = grids[g][1] / 2 + 1;
        pdessm_quick_fill(u, n, 7);
        pdessm_quick_fill(v, n, 8);
        pdessm_quick_fill(z, grids[g][0] * half * CHANNELS * 2, 9);
        pdessm_tensor *symbol = tensor(f, 4, (int64_t[]){grids[g][0], half, CHANNELS, 2}, z);
        filter(f, grids[g], symbol, u, y);
        differentiate(f, grids[g], symbol, u, v, z, dsymbol);
        pdessm_tensor_destroy(&symbol);
        assert_near(dot(v, y, n), dot(z, u, n), sqrt((double)n), "adjoint");
    }
}

/* With dL/dy = u, the symbol's gradient is the energy spectrum of u: real, and its sum is |u|^2. */
static void parseval(void **state) {
    const fixture *f = *state;
    static float dsymbol[MOST];
    for (int g = 0; g < GRIDS; g++) {
        int64_t n = field_size(grids[g]), modes = grids[g][0] * (grids[g][1] / 2 + 1) * CHANNELS;
        double sum = 0;
        pdessm_quick_fill(u, n, 10);
        pdessm_tensor *symbol = symbol_of(f, grids[g], mixture, 1, 1);
        differentiate(f, grids[g], symbol, u, u, y, dsymbol);
        pdessm_tensor_destroy(&symbol);
        for (int64_t i = 0; i < modes; i++) {
            assert_true(dsymbol[2 * i] >= 0);
            assert_near(dsymbol[2 * i + 1], 0, (double)n, "imaginary part of an energy");
            sum += dsymbol[2 * i];
        }
        assert_near(sum, dot(u, u, n), (double)n, "Parseval");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impulse_response),
        cmocka_unit_test(semigroup),
        cmocka_unit_test(mean),
        cmocka_unit_test(unit_modulus),
        cmocka_unit_test(shift),
        cmocka_unit_test(diffusion_is_self_adjoint),
        cmocka_unit_test(adjoint),
        cmocka_unit_test(parseval),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
