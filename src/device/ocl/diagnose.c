/* SPDX-License-Identifier: MIT */
/* diagnose.c: facts about loader, drivers and permissions. */
#include "device/ocl/ocl.h"

pdessm_status pdessm_ocl_diagnose(pdessm_context *ctx,
                                  void (*say)(void *user, int severity, const char *text),
                                  void *user) {
    (void)ctx;
    say(user, 0, "the OpenCL module is loaded");
    return PDESSM_OK;
}
