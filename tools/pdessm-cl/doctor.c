/* SPDX-License-Identifier: MIT */
/* doctor.c: `doctor`: is this machine set up as it should be, and if not, what to do. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/options.h"
#include "shared/print.h"
#include "verify/verify.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_doctor = {
    .name = "doctor",
    .meaning = "checks drivers, permissions and libraries, and says what to do",
    .arguments = "",
    .example = PDESSM_CLI_PROGRAM " doctor --require-opencl",
    .prints_result = 1,
    .run = run,
};

static const char *const severities[] = {"ok", "note", "WRONG"};

/* Facts go to stdout as they are found, or into the JSON. */
typedef struct findings {
    cli *c;
    cJSON *facts; /* NULL: text */
    int working;
} findings;

static void say(void *user, pdessm_finding severity, const char *text) {
    findings *f = user;
    if (!f->facts) {
        printf("%-5s %s\n", severities[severity], text);
        return;
    }
    cJSON *row = pdessm_cli_json_row(f->facts);
    pdessm_cli_json_text(row, "severity",
                         severity == PDESSM_FINDING_WRONG ? "wrong" : severities[severity]);
    pdessm_cli_json_text(row, "text", text);
}

/* ------------------------------------------------------------------ OpenCL */

/* One operator against plain C: an answer alone would not do. */
static pdessm_status run_a_kernel(pdessm_context *ctx, pdessm_device *device) {
    pdessm_status status = PDESSM_OK;
    pdessm_device *plain = NULL;
    pdessm_case drawn;
    pdessm_deviation error[2];
    pdessm_case_draw(PDESSM_OP_gelu, NULL, 1, &drawn);
    PDESSM_TRY(pdessm_device_open(ctx, "cpu", &plain));
    PDESSM_TRY(pdessm_case_compare(&drawn, device, plain, error));
    PDESSM_REQUIRE(ctx, !device->on_host[PDESSM_OP_gelu][PDESSM_FORWARD], PDESSM_ERROR_DEVICE,
                   "its compiler refuses our kernels; update the driver");
    PDESSM_REQUIRE(ctx, error[0].error <= error[0].tolerance, PDESSM_ERROR_DEVICE,
                   "it computes wrong numbers (error %.1e); run `pdessm-cl verify`, and update "
                   "the driver",
                   error[0].error);
out:
    pdessm_device_destroy(&plain);
    return status;
}

static void examine_device(findings *f, const pdessm_device_info *info) {
    pdessm_context *ctx = f->c->ctx;
    pdessm_device *device = NULL;
    char id[32];
    snprintf(id, sizeof id, "%d:%d", info->platform, info->device);
    pdessm_status status = pdessm_device_open(ctx, id, &device);
    if (status == PDESSM_OK)
        status = run_a_kernel(ctx, device);
    f->working += status == PDESSM_OK;
    if (status == PDESSM_OK)
        say(f, PDESSM_FINDING_GOOD,
            pdessm_cli_text(f->c, "device %s '%s' agrees with plain C", id, info->name));
    else
        say(f, PDESSM_FINDING_WRONG,
            pdessm_cli_text(f->c, "device %s '%s' cannot be used: %s", id, info->name,
                            pdessm_context_error(ctx)));
    pdessm_device_destroy(&device);
}

static pdessm_status examine_devices(findings *f) {
    pdessm_device_info *list = NULL;
    int count = 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_device_list(f->c->ctx, &list, &count));
    for (int i = 0; i < count; i++)
        if (list[i].kind != PDESSM_DEVICE_PLAIN_C)
            examine_device(f, &list[i]);
out:
    free(list);
    return status;
}

static pdessm_status run(cli *c) {
    int require = 0, devices = 0;
    cli_option options[] = {
        {"require-opencl", 0, CLI_FLAG, &require, NULL,
         "fail with exit code 3 if no device runs a kernel"},
    };
    pdessm_status status = PDESSM_OK;
    cJSON *json = NULL;
    findings f = {.c = c};
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    if (c->format == CLI_FORMAT_JSON) {
        json = pdessm_cli_json_begin(c);
        f.facts = pdessm_cli_json_array(json, "facts");
    }
    PDESSM_TRY(pdessm_device_diagnose(c->ctx, say, &f, &devices));
    if (devices > 0)
        PDESSM_TRY(examine_devices(&f));
    if (json) {
        pdessm_cli_json_number(json, "devices_that_run_kernels", f.working);
        pdessm_cli_json_print(json);
        json = NULL;
    }
    if (require && !f.working)
        status = pdessm_fail(c->ctx, PDESSM_ERROR_DEVICE,
                             "no OpenCL device runs a kernel; the lines above say why");
out:
    cJSON_Delete(json);
    return status;
}
