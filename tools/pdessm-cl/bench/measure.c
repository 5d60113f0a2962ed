/* SPDX-License-Identifier: MIT */
/* measure.c: repetitions, their spread, and what ends a measurement early. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "shared/interrupt.h"
#include "shared/print.h"

/* A repetition takes at least this long, so that clocks and the end of a queue weigh little. */
static const double least_repetition = 5e-3;
enum { MOST_RUNS = 1 << 20 };
/* Repetitions of so few runs alternate with copies one by one: a copy right after a copy would find
 * in a large cache what the operator does not. */
enum { MOST_PAIRS = 8 };

/* ------------------------------------------------------------------ time */

pdessm_status pdessm_cli_bench_time(const bench_work *w, int64_t n, double *ret) {
    pdessm_status status = PDESSM_OK;
    double begin = pdessm_seconds();
    for (int64_t i = 0; i < n; i++)
        PDESSM_TRY(w->run(w->user));
    PDESSM_TRY(pdessm_device_finish(w->device));
    *ret = pdessm_seconds() - begin;
out:
    return status;
}

pdessm_status pdessm_cli_bench_fill(const bench_work *w, int64_t *ret_runs) {
    pdessm_status status = PDESSM_OK;
    int64_t runs = 1;
    for (;;) {
        double seconds = 0;
        PDESSM_TRY(pdessm_cli_bench_time(w, runs, &seconds));
        if (seconds >= least_repetition || runs >= MOST_RUNS)
            break;
        /* A first guess from a very short time is a poor one: it may grow tenfold at most. */
        double factor = fmin(10, 1.2 * least_repetition / fmax(seconds, 1e-9));
        runs = (int64_t)ceil((double)runs * fmax(factor, 1.1));
    }
    *ret_runs = runs < MOST_RUNS ? runs : MOST_RUNS;
out:
    return status;
}

int pdessm_cli_bench_time_is_up(const bench_job *j) {
    return j->o.max_time > 0 && pdessm_seconds() - j->start >= j->o.max_time;
}

/* ------------------------------------------------------------------ spread */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the neighbours in the sorted list, as most programs define it. */
static double quantile(const double *sorted, int count, double share) {
    double place = share * (count - 1);
    int below = (int)place, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

bench_spread pdessm_cli_bench_spread(const double *all, int count) {
    if (count == 0)
        return (bench_spread){NAN, NAN, NAN, NAN, NAN};
    double *sorted = pdessm_cli_need(malloc((size_t)count * sizeof *sorted));
    memcpy(sorted, all, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, by_size);
    bench_spread s = {quantile(sorted, count, 0.5), quantile(sorted, count, 0.2),
                      quantile(sorted, count, 0.8), sorted[0], sorted[count - 1]};
    free(sorted);
    return s;
}

/* ------------------------------------------------------------------ repetitions */

/* Whether to continue with the next repetition. */
static pdessm_status look_up(bench_job *j, int *ret_go_on) {
    if (pdessm_cli_interrupted())
        return pdessm_fail(j->c->ctx, PDESSM_ERROR_CANCELLED, "interrupted");
    *ret_go_on = !pdessm_cli_bench_time_is_up(j);
    return PDESSM_OK;
}

static pdessm_status warm_up(bench_job *j, const bench_work *w, const bench_work *copy,
                             int64_t *ret_runs, int64_t *ret_copies) {
    pdessm_status status = PDESSM_OK;
    double seconds = 0;
    int go_on = 1;
    PDESSM_TRY(pdessm_cli_bench_fill(w, ret_runs)); /* the first warm-up repetition */
    if (copy)
        PDESSM_TRY(pdessm_cli_bench_fill(copy, ret_copies));
    for (int64_t i = 1; i < j->o.warmup && go_on; i++) {
        PDESSM_TRY(pdessm_cli_bench_time(w, *ret_runs, &seconds));
        PDESSM_TRY(look_up(j, &go_on));
    }
out:
    return status;
}

/* Seconds of one run and of one copy. */
static pdessm_status time_with_copies(const bench_work *w, int64_t runs, const bench_work *copy,
                                      int64_t copies, double *ret, double *ret_copy) {
    pdessm_status status = PDESSM_OK;
    double run_seconds = 0, copy_seconds = 0, seconds = 0;
    int64_t rounds = runs <= MOST_PAIRS ? runs : 1;
    runs /= rounds;
    copies = rounds > 1 || runs == 1 ? 1 : copies;
    for (int64_t i = 0; i < rounds; i++) {
        PDESSM_TRY(pdessm_cli_bench_time(w, runs, &seconds));
        run_seconds += seconds;
        PDESSM_TRY(pdessm_cli_bench_time(copy, copies, &seconds));
        copy_seconds += seconds;
    }
    *ret = run_seconds / (double)(rounds * runs);
    *ret_copy = copy_seconds / (double)(rounds * copies);
out:
    return status;
}

pdessm_status pdessm_cli_bench_measure(bench_job *j, const bench_work *w, const bench_work *copy,
                                       bench_row *row) {
    pdessm_status status = PDESSM_OK;
    int64_t copies = 0;
    int go_on = 1;
    double *ratio = pdessm_cli_need(calloc((size_t)j->o.repetitions, sizeof *ratio));
    row->all = pdessm_cli_need(calloc((size_t)j->o.repetitions, sizeof *row->all));
    PDESSM_TRY(warm_up(j, w, copy, &row->runs, &copies));
    PDESSM_TRY(look_up(j, &go_on));
    while (go_on && row->count < j->o.repetitions) {
        double seconds = 0, copy_seconds = 0;
        if (copy) {
            PDESSM_TRY(time_with_copies(w, row->runs, copy, copies, &seconds, &copy_seconds));
            ratio[row->count] = seconds / copy_seconds;
        } else {
            PDESSM_TRY(pdessm_cli_bench_time(w, row->runs, &seconds));
            seconds /= (double)row->runs;
        }
        row->all[row->count++] = seconds;
        PDESSM_TRY(look_up(j, &go_on));
    }
    row->seconds = pdessm_cli_bench_spread(row->all, row->count);
    row->ratio = pdessm_cli_bench_spread(ratio, copy ? row->count : 0);
out:
    free(ratio);
    return status;
}

/* ------------------------------------------------------------------ how a row ends */

void pdessm_cli_bench_settle(bench_row *row, bench_status status, const char *reason) {
    row->reached = 1;
    row->status = status;
    row->reason = reason;
}

pdessm_status pdessm_cli_bench_stop(bench_job *j, bench_row *row, pdessm_status status) {
    const char *reason = pdessm_cli_text(j->c, "%s", pdessm_context_error(j->c->ctx));
    if (status == PDESSM_ERROR_CANCELLED)
        return status;
    pdessm_cli_bench_settle(row,
                            status == PDESSM_ERROR_MEMORY        ? BENCH_SKIPPED
                            : status == PDESSM_ERROR_UNSUPPORTED ? BENCH_UNSUPPORTED
                                                                 : BENCH_ERROR,
                            reason);
    return PDESSM_OK;
}

/* Memory that this machine can still give without swapping; 0 when it does not say. */
static double free_host_memory(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    char line[256];
    long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return 1024.0 * (double)kib;
}

int pdessm_cli_bench_fits(bench_job *j, bench_row *row, double bytes, double largest) {
    const pdessm_device_info *info = pdessm_device_get_info(j->device[row->device].device);
    double have = (double)info->memory, most = (double)info->largest_allocation;
    if (info->kind == PDESSM_DEVICE_PLAIN_C || info->kind == PDESSM_DEVICE_OPENCL_CPU) {
        double host = free_host_memory();
        have = host > 0 && host < have ? host : have;
    }
    if (bytes <= have && largest <= most)
        return 1;
    pdessm_cli_bench_settle(
        row, BENCH_SKIPPED,
        pdessm_cli_text(j->c,
                        "needs %.0f bytes (%s), the largest tensor %.0f; %s has %s free and "
                        "allocates at most %s at once: use a smaller --batch",
                        bytes, pdessm_text_of_bytes((int64_t)fmin(bytes, 9e18)).text, largest,
                        info->name, pdessm_text_of_bytes((int64_t)have).text,
                        pdessm_text_of_bytes((int64_t)most).text));
    return 0;
}
