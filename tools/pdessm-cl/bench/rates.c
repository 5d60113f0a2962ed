/* SPDX-License-Identifier: MIT */
/* rates.c: what a device can do at best: bytes of a copy and operations of a matrix product
 * in a second, measured in this run; and the share of that which a case reaches. */
#include <math.h>
#include <string.h>

#include "bench.h"

/* The copy of a tensor of suite `ops`. */
static const size_t copy_bytes = 25165824;
/* y [m, n] = x [m, k] weight [n, k]^T: square ones, and a tall one as networks have them. Those
 * from the third on are for devices on which the others are too short to be judged. */
static const struct product {
    int64_t m, n, k;
} products[] = {{1024, 1024, 1024}, {8192, 768, 384}, {4096, 4096, 4096}, {8192, 8192, 8192}};
enum { BIAS = 2, TRIALS = 5, PRODUCTS = sizeof products / sizeof *products, ALWAYS = 2 };
static const double long_enough = 10e-3;

static pdessm_status best_of(const bench_work *w, double *ret) {
    pdessm_status status = PDESSM_OK;
    int64_t runs = 1;
    double best = INFINITY;
    PDESSM_TRY(pdessm_cli_bench_fill(w, &runs));
    for (int i = 0; i < TRIALS; i++) {
        double seconds = 0;
        PDESSM_TRY(pdessm_cli_bench_time(w, runs, &seconds));
        best = fmin(best, seconds / (double)runs);
    }
    *ret = best;
out:
    return status;
}

static pdessm_status measure_copy(bench_device *d) {
    pdessm_status status = PDESSM_OK;
    bench_copy *copy = NULL;
    double seconds = 0;
    PDESSM_TRY(pdessm_cli_bench_copy_create(d->device, copy_bytes, 1, &copy));
    bench_work w = pdessm_cli_bench_copy_work(copy);
    PDESSM_TRY(best_of(&w, &seconds));
    d->copy_rate = 2 * (double)copy_bytes / seconds;
    d->copy_way = pdessm_cli_bench_copy_way(copy);
out:
    pdessm_cli_bench_copy_destroy(&copy);
    return status;
}

static pdessm_status run_call(void *user) {
    pdessm_opcall *o = user;
    return pdessm_run_call(o->device, &o->call);
}

static pdessm_status time_product(pdessm_device *device, const struct product *p, double *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_case_size size = {PDESSM_CASE_NETWORK, 1, p->m, 1, p->k, p->n};
    pdessm_case k;
    pdessm_case_draw(PDESSM_OP_linear, &size, 1, &k);
    k.operand[BIAS].fill = PDESSM_FILL_NONE; /* of linear */
    pdessm_opcall o = pdessm_opcall_begin(device, k.op);
    bench_work w = {device, run_call, &o};
    PDESSM_TRY(pdessm_case_operands(&k, &o));
    PDESSM_TRY(pdessm_check_call(device, &o.call));
    PDESSM_TRY(best_of(&w, ret));
    PDESSM_REQUIRE(device->ctx, !device->backend || !device->on_host[k.op][PDESSM_FORWARD],
                   PDESSM_ERROR_UNSUPPORTED, "products run in plain C on this device");
out:
    pdessm_opcall_end(&o);
    return status;
}

static pdessm_status measure_product(bench_device *d) {
    pdessm_status status = PDESSM_OK;
    double seconds = 0;
    for (int i = 0; i < PRODUCTS && (i < ALWAYS || seconds < long_enough); i++) {
        const struct product *p = &products[i];
        PDESSM_TRY(time_product(d->device, p, &seconds));
        d->gemm_rate = fmax(d->gemm_rate, 2.0 * (double)(p->m * p->n * p->k) / seconds);
    }
out:
    return status;
}

void pdessm_cli_bench_rates(bench_job *j, bench_device *d) {
    d->copy_rate = d->gemm_rate = NAN;
    if (measure_copy(d) != PDESSM_OK)
        pdessm_cli_note(j->c, "%s: no rate of copies: %s", d->label,
                        pdessm_context_error(j->c->ctx));
    if (measure_product(d) != PDESSM_OK)
        pdessm_cli_note(j->c, "%s: no rate of matrix products: %s", d->label,
                        pdessm_context_error(j->c->ctx));
    pdessm_cli_bench_forget_refusals(d);
}

/* Times of two moments are worth as much as the machine was steady in between. */
void pdessm_cli_bench_rates_again(bench_job *j, bench_device *d) {
    const double unsteady = 0.15, short_run = 10;
    bench_device after = *d;
    if (pdessm_seconds() - j->start < short_run)
        return;
    pdessm_cli_bench_rates(j, &after);
    d->copy_drift = after.copy_rate / d->copy_rate;
    d->gemm_drift = after.gemm_rate / d->gemm_rate;
    d->copy_rate = fmax(d->copy_rate, after.copy_rate);
    d->gemm_rate = fmax(d->gemm_rate, after.gemm_rate);
    if (fabs(d->copy_drift - 1) > unsteady || fabs(d->gemm_drift - 1) > unsteady)
        pdessm_cli_warn(j->c,
                        "%s was not steady: at the end copies ran at %.2f times and products at "
                        "%.2f times the speed of the beginning; trust ratios, or measure again on "
                        "an idle machine",
                        d->label, d->copy_drift, d->gemm_drift);
}

void pdessm_cli_bench_forget_refusals(bench_device *d) {
    memcpy(d->device->on_host, d->routed, sizeof d->routed);
}

double pdessm_cli_bench_roofline(const bench_device *d, double flops, double bytes,
                                 double seconds) {
    double by_memory = bytes / d->copy_rate, by_arithmetic = flops / d->gemm_rate;
    /* Either bound alone would flatter a case that the other one limits. */
    if (!isfinite(by_memory) || !isfinite(by_arithmetic) || !(seconds > 0))
        return NAN;
    return fmax(by_memory, by_arithmetic) / seconds;
}
