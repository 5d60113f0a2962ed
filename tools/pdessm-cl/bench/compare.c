/* SPDX-License-Identifier: MIT */
/* compare.c: an earlier result beside this one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "files/file.h"
#include "shared/print.h"

struct bench_old {
    const char *path;
    cJSON *json;
};

static const char *text_of(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static const cJSON *list_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(item) ? item : NULL;
}

/* ------------------------------------------------------------------ may they be compared? */

/* The old file's device of that name, NULL if none. */
static const cJSON *old_device(const bench_old *old, const char *name) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list_of(old->json, "devices")) {
        if (strcmp(text_of(one, "name"), name) == 0)
            return one;
    }
    return NULL;
}

static pdessm_status check_head(bench_job *j, const bench_old *old) {
    pdessm_context *ctx = j->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(
        ctx,
        cJSON_IsObject(old->json) && list_of(old->json, "rows") && list_of(old->json, "devices"),
        PDESSM_ERROR_FILE, "%s: no result of `bench --format json`: it has no rows or no devices",
        old->path);
    double schema = number_of(old->json, "schema_version");
    PDESSM_REQUIRE(ctx, schema == PDESSM_CLI_SCHEMA_VERSION, PDESSM_ERROR_FILE,
                   "%s: schema_version is %g, this program writes %d: measure again with the old "
                   "version of the program and this one's --format, or compare by hand",
                   old->path, schema, PDESSM_CLI_SCHEMA_VERSION);
    for (int i = 0; i < j->devices; i++) {
        const char *name = pdessm_device_get_info(j->device[i].device)->name;
        PDESSM_REQUIRE(ctx, old_device(old, name), PDESSM_ERROR_FILE,
                       "%s: nothing in it was measured on '%s' (it has '%s'): times of different "
                       "devices are not compared",
                       old->path, name,
                       text_of(cJSON_GetArrayItem(list_of(old->json, "devices"), 0), "name"));
    }
out:
    return status;
}

pdessm_status pdessm_cli_bench_old_open(bench_job *j, const char *path, bench_old **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_bytes bytes = {0};
    bench_old *old = NULL;
    const char *end = NULL;
    PDESSM_TRY(pdessm_bytes_open(j->c->ctx, path, &bytes));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, 1, sizeof *old, &old));
    old->path = path;
    old->json = cJSON_ParseWithLengthOpts((const char *)bytes.data, bytes.size, &end, 0);
    PDESSM_REQUIRE(j->c->ctx, old->json, PDESSM_ERROR_FILE,
                   "%s: this is no JSON from byte %lld on; expected a result of `bench --format "
                   "json`",
                   path, (long long)(end ? end - (const char *)bytes.data : 0));
    PDESSM_TRY(check_head(j, old));
    *ret = old;
    old = NULL;
out:
    pdessm_cli_bench_old_close(&old);
    pdessm_bytes_release(&bytes);
    return status;
}

void pdessm_cli_bench_old_close(bench_old **old) {
    if (!*old)
        return;
    cJSON_Delete((*old)->json);
    free(*old);
    *old = NULL;
}

/* ------------------------------------------------------------------ matching */

static int same_shape(const cJSON *shape, const bench_point *p) {
    double outputs = number_of(shape, "N");
    return number_of(shape, "B") == (double)p->batch &&
           number_of(shape, "H") == (double)p->height &&
           number_of(shape, "W") == (double)p->width &&
           number_of(shape, "C") == (double)p->channels &&
           (p->outputs ? outputs == (double)p->outputs : isnan(outputs));
}

/* Work that has the same name but is another amount of it. */
static int same_work(const cJSON *old, const bench_row *row) {
    double images = number_of(old, "images"), flops = number_of(old, "flops");
    return (isnan(images) || images == row->images) && (isnan(flops) || flops == row->flops);
}

static const cJSON *find_row(const bench_job *j, const bench_old *old, const bench_row *row) {
    const char *name = pdessm_device_get_info(j->device[row->device].device)->name;
    const char *label = text_of(old_device(old, name), "label");
    const cJSON *one;
    cJSON_ArrayForEach(one, list_of(old->json, "rows")) {
        if (strcmp(text_of(one, "case"), row->name) == 0 &&
            strcmp(text_of(one, "pass"), pdessm_cli_bench_pass_name(row)) == 0 &&
            strcmp(text_of(one, "device"), label) == 0 &&
            strcmp(text_of(one, "status"), "ok") == 0 &&
            same_shape(cJSON_GetObjectItemCaseSensitive(one, "shape"), &row->point) &&
            same_work(one, row))
            return one;
    }
    return NULL;
}

void pdessm_cli_bench_old_match(bench_job *j, const bench_old *old) {
    for (int i = 0; i < j->rows; i++) {
        bench_row *row = &j->row[i];
        const cJSON *match = row->status == BENCH_OK ? find_row(j, old, row) : NULL;
        const cJSON *list = match ? list_of(match, "seconds_all") : NULL, *one;
        int count = cJSON_GetArraySize(list), n = 0;
        if (count == 0)
            continue;
        double *all = pdessm_cli_need(malloc((size_t)count * sizeof *all));
        cJSON_ArrayForEach(one, list) {
            if (cJSON_IsNumber(one) && one->valuedouble > 0)
                all[n++] = one->valuedouble;
        }
        bench_spread s = pdessm_cli_bench_spread(all, n);
        row->old_median = s.median;
        row->old_low = s.low;
        row->old_high = s.high;
        free(all);
    }
}

/* ------------------------------------------------------------------ judging */

int pdessm_cli_bench_change(const bench_row *row) {
    if (row->seconds.low > row->old_high)
        return 1;
    return row->seconds.high < row->old_low ? -1 : 0;
}

/* A machine that is slower as a whole makes every case slower: worth knowing before one looks for
 * the reason in the code. */
static void compare_rates(bench_job *j, const bench_old *old) {
    for (int i = 0; i < j->devices; i++) {
        const bench_device *d = &j->device[i];
        const cJSON *was = old_device(old, pdessm_device_get_info(d->device)->name);
        double copy = d->copy_rate * 1e-9 / number_of(was, "copy_gbytes_per_s");
        double gemm = d->gemm_rate * 1e-9 / number_of(was, "gemm_gflops");
        if (fabs(copy - 1) > 0.1 || fabs(gemm - 1) > 0.1)
            pdessm_cli_warn(j->c,
                            "%s: its own rates are not those of %s: copies %.2f times, products "
                            "%.2f times as fast; compare ratios, not seconds",
                            d->label, old->path, copy, gemm);
    }
}

pdessm_status pdessm_cli_bench_old_judge(bench_job *j, const bench_old *old) {
    int compared = 0, slower = 0;
    const bench_row *worst = NULL;
    double most = 0;
    compare_rates(j, old);
    for (int i = 0; i < j->rows; i++) {
        const bench_row *row = &j->row[i];
        if (row->status != BENCH_OK || !isfinite(row->old_median))
            continue;
        double excess = 100 * (row->seconds.median / row->old_median - 1);
        compared++;
        if (pdessm_cli_bench_change(row) <= 0 || excess <= j->o.fail_above)
            continue;
        slower++;
        if (!worst || excess > most) {
            worst = row;
            most = excess;
        }
    }
    pdessm_cli_note(j->c, "%d of %d rows were compared with %s", compared, j->rows, old->path);
    if (j->o.fail_above < 0)
        return PDESSM_OK;
    if (compared == 0)
        return pdessm_fail(j->c->ctx, PDESSM_ERROR_CHECK,
                           "--fail-above: no case of this run is in %s, so nothing was checked",
                           old->path);
    if (slower == 0)
        return PDESSM_OK;
    return pdessm_fail(j->c->ctx, PDESSM_ERROR_CHECK,
                       "%d of %d cases are more than %g %% slower than in %s, beyond the spread of "
                       "both; the worst by %.0f %%: %s %s",
                       slower, compared, j->o.fail_above, old->path, most, worst->name,
                       pdessm_cli_bench_pass_name(worst));
}
