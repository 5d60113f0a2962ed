/* SPDX-License-Identifier: MIT */
/* diagnose.c: how this machine is set up: plain C, then what the backend's driver needs. */
#include <stdio.h>
#include <stdlib.h>

#include "device/blas.h"
#include "device/device.h"
#include "fallback.h"

/* A backend's severities are numbers, because its module may be another version's. */
typedef struct listener {
    pdessm_finding_fn say;
    void *user;
} listener;

static void pass_on(void *user, int severity, const char *text) {
    const listener *l = user;
    const int worst = PDESSM_FINDING_WRONG;
    severity = severity < 0 ? 0 : severity > worst ? worst : severity;
    l->say(l->user, (pdessm_finding)severity, text);
}

static void examine_plain_c(pdessm_context *ctx, const listener *l) {
    char text[1024];
    pdessm_device *plain = NULL;
    if (pdessm_device_open(ctx, "cpu", &plain) != PDESSM_OK) {
        l->say(l->user, PDESSM_FINDING_WRONG, pdessm_context_error(ctx));
        return;
    }
    snprintf(text, sizeof text, "plain C: instruction set %s, %d threads",
             plain->host.fallback->isa, pdessm_context_threads(ctx));
    l->say(l->user, PDESSM_FINDING_GOOD, text);
    snprintf(text, sizeof text, "plain C: matrix products by %s",
             plain->blas ? plain->blas->place : "our own kernel");
    l->say(l->user, PDESSM_FINDING_GOOD, text);
    pdessm_device_destroy(&plain);
}

pdessm_status pdessm_device_diagnose(pdessm_context *ctx, pdessm_finding_fn say, void *user,
                                     int *ret_devices) {
    listener l = {say, user};
    const pdessm_backend *backend = NULL;
    pdessm_device_info *list = NULL;
    pdessm_status status = PDESSM_OK;
    *ret_devices = 0;
    examine_plain_c(ctx, &l);
    if (pdessm_backend_load(ctx, &backend) != PDESSM_OK) {
        say(user, PDESSM_FINDING_NOTE, pdessm_context_error(ctx));
        return PDESSM_OK;
    }
    PDESSM_TRY(backend->diagnose(ctx, pass_on, &l));
    if (backend->list(ctx, &list, ret_devices) != PDESSM_OK)
        *ret_devices = 0; /* diagnose() has said why */
out:
    free(list);
    return status;
}
