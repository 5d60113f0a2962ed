/* SPDX-License-Identifier: MIT */
/* fft_plan.h: transforms of clFFT: its functions, and the plans that are kept between calls. */
#ifndef PDESSM_DEVICE_OCL_FFT_PLAN_H
#define PDESSM_DEVICE_OCL_FFT_PLAN_H

/* In front of clFFT.h, because it chooses the version of OpenCL. */
#include "device/ocl/ocl.h"

#include <clFFT.h>

#define PDESSM_CLFFT_FUNCTIONS(F)                                                                  \
    F(clfftSetup)                                                                                  \
    F(clfftTeardown)                                                                               \
    F(clfftCreateDefaultPlan)                                                                      \
    F(clfftSetPlanBatchSize)                                                                       \
    F(clfftSetPlanScale)                                                                           \
    F(clfftSetPlanInStride)                                                                        \
    F(clfftSetPlanOutStride)                                                                       \
    F(clfftSetPlanDistance)                                                                        \
    F(clfftSetLayout)                                                                              \
    F(clfftSetResultLocation)                                                                      \
    F(clfftBakePlan)                                                                               \
    F(clfftGetTmpBufSize)                                                                          \
    F(clfftEnqueueTransform)                                                                       \
    F(clfftDestroyPlan)

typedef struct pdessm_ocl_plan {
    struct pdessm_ocl_plan *next;
    int64_t planes, height, width;
    int inverse;
    clfftPlanHandle handle; /* 0: this size cannot be done */
    size_t temporary_bytes;
} pdessm_ocl_plan;

typedef struct pdessm_ocl_fft {
    int have; /* the library is there and set up */
    struct {
#define F(name) __typeof__(&name) name;
        PDESSM_CLFFT_FUNCTIONS(F)
#undef F
    } fn;
    struct pdessm_ocl_plan *plan;
    /* Planes first, as clFFT sees them. */
    struct pdessm_ocl_area {
        cl_mem buffer;
        size_t bytes;
    } real, spectrum, temporary;
} pdessm_ocl_fft;

/* Opens the library once. ERROR_UNSUPPORTED when there is none. */
pdessm_status pdessm_ocl_fft_open(pdessm_ocl *o);
/* The plan for B * C planes, baked and tried on first use; o->fft->real and ->spectrum must be
 * large enough, their content is lost when a plan is made. ERROR_UNSUPPORTED when clFFT cannot do
 * it. */
pdessm_status pdessm_ocl_plan_get(pdessm_ocl *o, const pdessm_fft *fft, pdessm_ocl_plan **ret);
/* Runs a plan between o->fft->real and o->fft->spectrum. ERROR_UNSUPPORTED when clFFT fails. */
pdessm_status pdessm_ocl_plan_run(pdessm_ocl *o, pdessm_ocl_plan *plan);

#endif
