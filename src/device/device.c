/* SPDX-License-Identifier: MIT */
/* device.c: the list of devices, and opening one by name. */
#define _GNU_SOURCE
#include "device/device.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/blas.h"
#include "device/tuning.h"
#include "fallback.h"

const pdessm_fallback *pdessm_host_table(void) {
#if defined(PDESSM_HAVE_X86_LEVELS)
    /* PDESSM_ISA lowers the level, for tests and for comparing. */
    const char *asked = getenv("PDESSM_ISA");
    int most = asked && strcmp(asked, "base") == 0 ? 1 : asked && strcmp(asked, "v3") == 0 ? 3 : 4;
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
    if (v4 && most >= 4)
        return &pdessm_fallback_v4;
    if (v3 && most >= 3)
        return &pdessm_fallback_v3;
#endif
    return &pdessm_fallback_base;
}

/* ------------------------------------------------------------------ list */

static void cpu_name(char *ret, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    snprintf(ret, size, "CPU");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(ret, size, "%s", colon + 2);
            break;
        }
    }
    if (file)
        fclose(file);
}

static void describe_plain_c(pdessm_context *ctx, pdessm_device_info *info) {
    *info = (pdessm_device_info){.platform = -1, .device = -1, .kind = PDESSM_DEVICE_PLAIN_C};
    cpu_name(info->name, sizeof info->name);
    snprintf(info->vendor, sizeof info->vendor, "this machine");
    snprintf(info->platform_name, sizeof info->platform_name, "plain C");
    snprintf(info->driver, sizeof info->driver, "plain C, instruction set %s",
             pdessm_host_table()->isa);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    info->memory = (int64_t)pages * page;
    info->largest_allocation = info->memory;
    info->compute_units = pdessm_pool_workers(ctx->pool);
    info->max_work_group = 1;
    info->fp64 = 1;
}

/* auto: a discrete GPU, then an integrated one, then plain C; never an OpenCL CPU. */
static int choose_auto(const pdessm_device_info *list, int count) {
    static const pdessm_device_kind order[] = {PDESSM_DEVICE_GPU, PDESSM_DEVICE_INTEGRATED_GPU};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (int i = 0; i < count; i++)
            if (list[i].kind == order[k])
                return i;
    return 0;
}

/* Plain C first, then what the backend finds; *ret_backend is NULL when there is none, and the
 * context then holds the reason. */
static pdessm_status list_all(pdessm_context *ctx, const pdessm_backend **ret_backend,
                              pdessm_device_info **ret_list, int *ret_count) {
    pdessm_status status = PDESSM_OK;
    const pdessm_backend *backend = NULL;
    pdessm_device_info *found = NULL, *list = NULL;
    int count = 0;
    if (pdessm_backend_load(ctx, &backend) == PDESSM_OK &&
        backend->list(ctx, &found, &count) != PDESSM_OK) {
        backend = NULL;
        count = 0;
    }
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count + 1, sizeof *list, &list));
    describe_plain_c(ctx, &list[0]);
    for (int i = 0; i < count; i++)
        list[i + 1] = found[i];
    for (int i = 0; i <= count; i++)
        list[i].index = i;
    list[choose_auto(list, count + 1)].is_auto = 1;
    *ret_backend = backend;
    *ret_list = list;
    *ret_count = count + 1;
out:
    free(found);
    return status;
}

pdessm_status pdessm_device_list(pdessm_context *ctx, pdessm_device_info **ret_list,
                                 int *ret_count) {
    const pdessm_backend *backend = NULL;
    pdessm_status status = list_all(ctx, &backend, ret_list, ret_count);
    if (status == PDESSM_OK && !backend)
        pdessm_log(ctx, PDESSM_LOG_NOTE, "%s", ctx->error);
    return status;
}

/* ------------------------------------------------------------------ open */

static int contains(const char *text, const char *part) {
    return strcasestr(text, part) != NULL;
}

/* The index that a name means, or -1. */
static int find(const pdessm_device_info *list, int count, const char *name) {
    int platform, device, index, used = 0;
    if (sscanf(name, "%d:%d%n", &platform, &device, &used) == 2 && !name[used]) {
        for (int i = 0; i < count; i++)
            if (list[i].platform == platform && list[i].device == device)
                return i;
        return -1;
    }
    if (sscanf(name, "%d%n", &index, &used) == 1 && !name[used])
        return index >= 0 && index < count ? index : -1;
    if (strcmp(name, "gpu") == 0) {
        int best = choose_auto(list, count);
        return best > 0 ? best : -1;
    }
    for (int i = 1; i < count; i++)
        if (contains(list[i].name, name) || contains(list[i].platform_name, name) ||
            contains(list[i].vendor, name) || contains(list[i].version, name))
            return i;
    return -1;
}

static pdessm_status no_such_device(pdessm_context *ctx, const char *name, int have_backend,
                                    const pdessm_device_info *list, int count) {
    char text[1024] = "", reason[1024] = "";
    size_t used = 0;
    for (int i = 0; i < count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d '%s'", i ? ", " : "", i,
                                 i ? list[i].name : "cpu");
    if (!have_backend)
        snprintf(reason, sizeof reason, "; %.1000s", ctx->error);
    return pdessm_fail(ctx, PDESSM_ERROR_DEVICE, "no device '%s'; there is %s%s", name, text,
                       reason);
}

static pdessm_status select_device(pdessm_context *ctx, const char *name, pdessm_device *d) {
    pdessm_status status = PDESSM_OK;
    const pdessm_backend *backend = NULL;
    pdessm_device_info *list = NULL;
    int count = 0;
    if (strcmp(name, "cpu") == 0) {
        describe_plain_c(ctx, &d->info);
        return PDESSM_OK;
    }
    PDESSM_TRY(list_all(ctx, &backend, &list, &count));
    int chosen = strcmp(name, "auto") == 0 ? choose_auto(list, count) : find(list, count, name);
    if (chosen < 0) {
        status = no_such_device(ctx, name, backend != NULL, list, count);
        goto out;
    }
    if (chosen == 0 && !backend)
        pdessm_log(ctx, PDESSM_LOG_NOTE, "running in plain C: %s", ctx->error);
    d->info = list[chosen];
    if (chosen > 0) {
        PDESSM_TRY(backend->open(ctx, d->info.platform, d->info.device, &d->state));
        d->backend = backend;
    }
out:
    free(list);
    return status;
}

pdessm_status pdessm_device_find_blas(pdessm_device *device) {
    if (device->blas)
        return PDESSM_OK;
    pdessm_status status = pdessm_blas_open(device->ctx, "auto", 0, &device->blas);
    device->host.blas = device->blas;
    return status;
}

static int tuned_for_cblas(const pdessm_tuning *tuning) {
    for (int i = 0; i < pdessm_tuning_count(tuning); i++) {
        const pdessm_tuned *e = pdessm_tuning_get(tuning, i);
        if (strcmp(pdessm_tuning_value_text(e->op, e->choice, e->value).text, "cblas") == 0)
            return 1;
    }
    return 0;
}

/* PDESSM_GEMM, where it names one, stands above what was measured. */
static pdessm_status open_blas(pdessm_device *d) {
    const char *asked = getenv("PDESSM_GEMM");
    int free_choice = !asked || !*asked || strcmp(asked, "auto") == 0;
    pdessm_status status = PDESSM_OK;
    /* Ours was measured faster with AVX2 (by 1.2) and AVX-512 (by 1.2 to 1.5) than OpenBLAS with
     * its kernels for these, which it does not even find on CPUs newer than itself. */
    PDESSM_TRY(
        pdessm_blas_open(d->ctx, asked, strcmp(d->host.fallback->isa, "base") != 0, &d->blas));
    d->host.blas_is_standard = d->blas != NULL;
    d->host.blas = d->blas;
    if (free_choice)
        d->host.tuning = d->tuning;
    if (free_choice && tuned_for_cblas(d->tuning))
        PDESSM_TRY(pdessm_device_find_blas(d));
out:
    return status;
}

pdessm_status pdessm_device_open(pdessm_context *ctx, const char *name, pdessm_device **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_device *d = NULL;
    const char *from_environment = getenv("PDESSM_DEVICE");
    if (!name)
        name = from_environment && *from_environment ? from_environment : "auto";
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *d, &d));
    d->ctx = ctx;
    d->host = (pdessm_host){.fallback = pdessm_host_table(), .pool = ctx->pool};
    PDESSM_TRY(select_device(ctx, name, d));
    PDESSM_TRY(pdessm_tuning_open(ctx, &d->info, &d->tuning));
    PDESSM_TRY(open_blas(d));
    const char *routes = getenv("PDESSM_OPS");
    if (routes)
        PDESSM_TRY(pdessm_device_route(d, routes));
    *ret = d;
    d = NULL;
out:
    pdessm_device_destroy(&d);
    return status;
}

void pdessm_device_destroy(pdessm_device **device) {
    pdessm_device *d = *device;
    if (!d)
        return;
    if (d->backend)
        d->backend->close(d->state);
    pdessm_tuning_close(&d->tuning);
    pdessm_blas_close(&d->blas);
    free(d);
    *device = NULL;
}

const pdessm_device_info *pdessm_device_get_info(const pdessm_device *device) {
    return &device->info;
}

pdessm_status pdessm_device_route(pdessm_device *device, const char *routes) {
    pdessm_context *ctx = device->ctx;
    memset(device->on_host, 0, sizeof device->on_host);
    if (!*routes)
        return PDESSM_OK;
    if (strncmp(routes, "host:", 5) != 0)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "'%s' is not a route; expected host:NAME,NAME,.. (PDESSM_OPS)", routes);
    for (const char *p = routes + 5; *p;) {
        size_t length = strcspn(p, ",");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)length, p);
        pdessm_op op = pdessm_op_find(name);
        if (op == PDESSM_OP_COUNT)
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                               "no operator '%s' in '%s'; `pdessm-cl op --list` shows them", name,
                               routes);
        device->on_host[op][PDESSM_FORWARD] = device->on_host[op][PDESSM_BACKWARD] = 1;
        p += length + (p[length] == ',');
    }
    return PDESSM_OK;
}

pdessm_status pdessm_device_finish(pdessm_device *device) {
    return device->backend ? device->backend->finish(device->state) : PDESSM_OK;
}

int64_t pdessm_device_memory(const pdessm_device *device, int64_t *ret_peak) {
    if (ret_peak)
        *ret_peak = device->memory_peak;
    return device->memory;
}

void pdessm_device_forget_peak(pdessm_device *device) {
    device->memory_peak = device->memory;
}
