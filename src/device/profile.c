/* SPDX-License-Identifier: MIT */
/* profile.c: calls, time, flops and bytes of each operator. */
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

pdessm_status pdessm_device_profile_enable(pdessm_device *device, int on) {
    pdessm_status status = PDESSM_OK;
    if (device->backend)
        PDESSM_TRY(device->backend->profile_enable(device->state, on));
    device->profiling = on;
    memset(device->profile, 0, sizeof device->profile);
out:
    return status;
}

static pdessm_status collect(pdessm_device *d) {
    double seconds[PDESSM_OP_COUNT][2] = {{0}};
    pdessm_status status = PDESSM_OK;
    if (!d->backend)
        return status;
    PDESSM_TRY(d->backend->profile_collect(d->state, &seconds[0][0]));
    for (int op = 0; op < PDESSM_OP_COUNT; op++)
        for (int pass = 0; pass < 2; pass++)
            d->profile[op][pass][1].seconds += seconds[op][pass];
out:
    return status;
}

static int by_falling_time(const void *a, const void *b) {
    double x = ((const pdessm_profile_row *)a)->seconds;
    double y = ((const pdessm_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

pdessm_status pdessm_device_profile(pdessm_device *device, pdessm_profile_row **ret_rows,
                                    int *ret_count) {
    static const char *const passes[] = {"forward", "backward"};
    static const char *const where[] = {"host", "device"};
    pdessm_status status = PDESSM_OK;
    pdessm_profile_row *rows = NULL;
    int count = 0;
    PDESSM_TRY(collect(device));
    PDESSM_TRY(pdessm_alloc(device->ctx, PDESSM_OP_COUNT * 4, sizeof *rows, &rows));
    for (int i = 0; i < PDESSM_OP_COUNT * 4; i++) {
        const struct pdessm_profile_sum *sum = &device->profile[i / 4][i / 2 % 2][i % 2];
        if (sum->calls == 0)
            continue;
        rows[count++] = (pdessm_profile_row){.name = pdessm_op_get((pdessm_op)(i / 4))->name,
                                             .pass = passes[i / 2 % 2],
                                             .place = where[i % 2],
                                             .calls = sum->calls,
                                             .seconds = sum->seconds,
                                             .flops = sum->flops,
                                             .bytes = sum->bytes};
    }
    qsort(rows, (size_t)count, sizeof *rows, by_falling_time);
    *ret_rows = rows;
    *ret_count = count;
out:
    return status;
}
