/* SPDX-License-Identifier: MIT */
/* fft.c: transforms of clFFT. */
#include "device/ocl/ocl.h"

pdessm_status pdessm_ocl_fft_run(void *state, const pdessm_call *call, const pdessm_fft *fft) {
    pdessm_ocl *o = state;
    (void)call, (void)fft;
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED, "clFFT is not used yet");
}
void pdessm_ocl_fft_destroy(pdessm_ocl *o) {
    (void)o;
}
