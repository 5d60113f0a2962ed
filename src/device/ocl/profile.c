/* SPDX-License-Identifier: MIT */
/* profile.c: how long each operator ran on the device, from the events of its commands. */
#include <stdlib.h>

#include "device/ocl/ocl.h"

/* Commands whose events are kept. When the ring is full, the queue is drained once: profiling costs
 * one wait per EVENTS launches. */
enum { EVENTS = 2048, ROWS = PDESSM_OP_COUNT * 2 };

struct record {
    cl_event before; /* of a span: a marker in front of its first command; else NULL */
    cl_event event;
    int row;
};

typedef struct pdessm_ocl_profile {
    int count;
    struct record record[EVENTS];
    double seconds[ROWS];
} profile;

static cl_ulong time_of(cl_event event, cl_profiling_info what) {
    cl_ulong t = 0;
    clGetEventProfilingInfo(event, what, sizeof t, &t, NULL);
    return t;
}

static void settle(profile *p, struct record *r) {
    if (r->event) {
        clWaitForEvents(1, &r->event);
        cl_ulong begin = r->before ? time_of(r->before, CL_PROFILING_COMMAND_END)
                                   : time_of(r->event, CL_PROFILING_COMMAND_START);
        cl_ulong end = time_of(r->event, CL_PROFILING_COMMAND_END);
        if (end > begin)
            p->seconds[r->row] += 1e-9 * (double)(end - begin);
        clReleaseEvent(r->event);
    }
    if (r->before)
        clReleaseEvent(r->before);
    *r = (struct record){0};
}

static void drain(profile *p) {
    for (int i = 0; i < p->count; i++)
        settle(p, &p->record[i]);
    p->count = 0;
}

static struct record *next(pdessm_ocl *o, const pdessm_call *call) {
    profile *p = o->profile;
    if (p->count == EVENTS) {
        clFlush(o->queue);
        drain(p);
    }
    struct record *r = &p->record[p->count++];
    *r = (struct record){.row = (int)call->op * 2 + (int)call->pass};
    return r;
}

cl_event *pdessm_ocl_profile_begin(pdessm_ocl *o, const pdessm_call *call) {
    return o->profile ? &next(o, call)->event : NULL;
}

cl_event *pdessm_ocl_profile_span(pdessm_ocl *o, const pdessm_call *call) {
    if (!o->profile)
        return NULL;
    struct record *r = next(o, call);
    if (clEnqueueMarkerWithWaitList(o->queue, 0, NULL, &r->before) != CL_SUCCESS)
        r->before = NULL;
    return &r->event;
}

pdessm_status pdessm_ocl_profile_enable(void *state, int on) {
    pdessm_ocl *o = state;
    pdessm_status status = PDESSM_OK;
    if ((o->profile != NULL) == (on != 0))
        return PDESSM_OK;
    /* Profiling is a property of a queue, and OpenCL 1.2 cannot change one. */
    PDESSM_TRY(pdessm_ocl_finish(o));
    PDESSM_TRY(pdessm_ocl_make_queue(o, on));
    if (on)
        PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *o->profile, &o->profile));
    else
        pdessm_ocl_profile_destroy(o);
out:
    return status;
}

pdessm_status pdessm_ocl_profile_collect(void *state, double *seconds_of_op_and_pass) {
    pdessm_ocl *o = state;
    if (!o->profile)
        return PDESSM_OK;
    pdessm_status status = pdessm_ocl_finish(o);
    if (status != PDESSM_OK)
        return status;
    drain(o->profile);
    for (int i = 0; i < ROWS; i++) {
        seconds_of_op_and_pass[i] += o->profile->seconds[i];
        o->profile->seconds[i] = 0;
    }
    return PDESSM_OK;
}

void pdessm_ocl_profile_destroy(pdessm_ocl *o) {
    if (!o->profile)
        return;
    drain(o->profile);
    free(o->profile);
    o->profile = NULL;
}
