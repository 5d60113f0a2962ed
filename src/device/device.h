/* SPDX-License-Identifier: MIT */
/* device.h: inside of a device, and the one function through which every operator runs.
 *
 * The room `device` has tensors, backends (plain C, and OpenCL as a module that is opened on
 * demand) and the dispatcher, which sends a call to one of them and may be refused. It knows from
 * the operators' table what an operator is, and from no operator what it computes. */
#ifndef PDESSM_DEVICE_DEVICE_H
#define PDESSM_DEVICE_DEVICE_H

#include <pdessm/device.h>

#include "device/backend.h"
#include "device/op.h"

struct pdessm_device {
    pdessm_context *ctx;
    pdessm_device_info info;
    pdessm_host host;
    struct pdessm_blas *blas;      /* what host.blas points to, or NULL */
    const pdessm_backend *backend; /* NULL: plain C only */
    void *state;                   /* the backend's */
    struct pdessm_tuning *tuning;  /* what was measured on it; see tuning.h */
    /* Which operators stay on the host, by pass: asked for by a route, or found not to work. */
    unsigned char on_host[PDESSM_OP_COUNT][2];
    int profiling;
    struct pdessm_profile_sum {
        int64_t calls;
        double seconds, flops, bytes;
    } profile[PDESSM_OP_COUNT][2][2]; /* [op][pass][0 host, 1 device] */
    int dry; /* plans only: sizes are counted, nothing is allocated or written */
    int64_t memory, memory_peak, largest_buffer;
};

/* Checks a call: operands present, dtypes, shapes and attributes. Costs nothing worth saving, but a
 * tape does it once, when it is planned. */
pdessm_status pdessm_check_call(pdessm_device *device, const pdessm_call *call);

/* Runs a call that was checked: chooses the place, puts operands there, runs, records. An operator
 * that the backend cannot run goes to the host, which is said once. */
pdessm_status pdessm_run_call(pdessm_device *device, const pdessm_call *call);

/* Both. */
pdessm_status pdessm_dispatch(pdessm_device *device, const pdessm_call *call);

/* Opens a CBLAS for comparison where our own matrix product is the standard; host.blas stays NULL
 * when there is none. */
pdessm_status pdessm_device_find_blas(pdessm_device *device);

/* The best table of plain C operators that this CPU can run. */
const struct pdessm_fallback *pdessm_host_table(void);

/* The backend of the OpenCL module. ERROR_DEVICE with the reason when it cannot be had. */
pdessm_status pdessm_backend_load(pdessm_context *ctx, const pdessm_backend **ret);

#endif
