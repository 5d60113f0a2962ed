/* SPDX-License-Identifier: MIT */
/* gemm.c: matrix products of CLBlast. */
#include "device/ocl/ocl.h"

pdessm_status pdessm_ocl_gemm_run(void *state, const pdessm_call *call, const pdessm_gemm *gemm) {
    pdessm_ocl *o = state;
    (void)call, (void)gemm;
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED, "CLBlast is not used yet");
}
void pdessm_ocl_gemm_destroy(pdessm_ocl *o) {
    (void)o;
}
