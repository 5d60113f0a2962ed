/* SPDX-License-Identifier: MIT */
/* queue.c: the queue of commands: made, handed to the device now and then, waited for. */
#include "device/ocl/ocl.h"

/* So many commands may gather before the device is told to begin. */
enum { FLUSH_AFTER = 8 };

pdessm_status pdessm_ocl_make_queue(pdessm_ocl *o, int profiling) {
    cl_int code = CL_SUCCESS;
    cl_command_queue_properties properties = profiling ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl_command_queue queue = clCreateCommandQueue(o->context, o->device, properties, &code);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "making a command queue on '%s'", o->info.name);
    if (o->queue)
        clReleaseCommandQueue(o->queue);
    o->queue = queue;
    return PDESSM_OK;
}

/* The queue is kept short of nothing: a driver may hold commands back until it is flushed. */
void pdessm_ocl_queued(pdessm_ocl *o) {
    if (++o->unflushed < FLUSH_AFTER)
        return;
    clFlush(o->queue);
    o->unflushed = 0;
}

pdessm_status pdessm_ocl_finish(void *state) {
    pdessm_ocl *o = state;
    cl_int code = clFinish(o->queue);
    o->unflushed = 0;
    return code == CL_SUCCESS
               ? PDESSM_OK
               : pdessm_ocl_fail(o->ctx, code, "waiting for the work on '%s'", o->info.name);
}
