/* SPDX-License-Identifier: MIT */
/* module.c: the one symbol of the OpenCL module. */
#include "device/ocl/ocl.h"

static const pdessm_backend backend = {
    .name = "OpenCL",
    .list = pdessm_ocl_list,
    .open = pdessm_ocl_open,
    .close = pdessm_ocl_close,
    .buffer_create = pdessm_ocl_buffer_create,
    .buffer_destroy = pdessm_ocl_buffer_destroy,
    .read = pdessm_ocl_read,
    .write = pdessm_ocl_write,
    .zero = pdessm_ocl_zero,
    .copy = pdessm_ocl_copy,
    .finish = pdessm_ocl_finish,
    .launch = pdessm_ocl_launch,
    .gemm = pdessm_ocl_gemm_run,
    .fft = pdessm_ocl_fft_run,
    .scratch = pdessm_ocl_scratch,
    .profile_enable = pdessm_ocl_profile_enable,
    .profile_collect = pdessm_ocl_profile_collect,
    .cache_info = pdessm_ocl_cache_info,
    .cache_clear = pdessm_ocl_cache_clear,
    .diagnose = pdessm_ocl_diagnose,
};

/* Exported although everything else in the module is hidden. */
__attribute__((visibility("default"))) const pdessm_backend *pdessm_opencl_backend(int abi);

const pdessm_backend *pdessm_opencl_backend(int abi) {
    return abi == PDESSM_BACKEND_ABI ? &backend : 0;
}
