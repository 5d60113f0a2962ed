/* SPDX-License-Identifier: MIT */
/* cache.c: `cache`: the compiled kernels on disk. */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include <pdessm/model.h>

#include "network.h"
#include "options.h"
#include "progress.h"
#include "report.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_cache = {
    .name = "cache",
    .meaning = "lists, clears or fills the cache of compiled kernels",
    .arguments = "list|clear|warm",
    .example = PDESSM_CLI_PROGRAM " cache warm --device gpu --model pde-s/2 --batch 16",
    .prints_result = 1,
    .run = run,
};

typedef struct contents {
    char path[4096];
    int64_t files, bytes;
} contents;

static void print(cli *c, const char *action, const contents *k) {
    if (c->format == CLI_FORMAT_TEXT) {
        printf("%s: %lld files, %s\n", k->path, (long long)k->files,
               pdessm_cli_bytes(k->bytes).text);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(c);
    pdessm_cli_json_text(json, "action", action);
    pdessm_cli_json_text(json, "path", k->path);
    pdessm_cli_json_number(json, "files", (double)k->files);
    pdessm_cli_json_number(json, "bytes", (double)k->bytes);
    pdessm_cli_json_print(json);
}

/* Every operator at a few shapes, then a step of the model that will be used. */
static pdessm_status warm(cli *c, const char *model, int64_t batch) {
    enum { SHAPES = 4 };
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    cli_progress bar;
    pdessm_cli_progress_begin(&bar, c, "warm", 0);
    PDESSM_TRY(pdessm_config_preset(c->ctx, model, &config));
    PDESSM_TRY(pdessm_config_check(c->ctx, &config));
    PDESSM_TRY(pdessm_cli_open_device(c));
    if (!c->device->backend)
        pdessm_cli_note(c, "plain C has no kernels to compile; name an OpenCL device to warm "
                           "its cache (see devices)");
    for (int op = 0; c->device->backend && op < PDESSM_OP_COUNT; op++) {
        pdessm_cli_progress_update(&bar, (double)op / (PDESSM_OP_COUNT + 2),
                                   pdessm_op_get((pdessm_op)op)->name);
        for (uint64_t i = 0; i < SHAPES; i++) {
            cli_case k;
            pdessm_cli_case_draw((pdessm_op)op, i, &k);
            PDESSM_TRY(pdessm_cli_case_run(&k, c->device));
        }
    }
    if (c->device->backend)
        PDESSM_TRY(pdessm_cli_network_run(&config, batch, c->device));
out:
    pdessm_cli_progress_end(&bar);
    return status;
}

/* Without the OpenCL module there is no cache, which is no failure. */
static pdessm_status look(cli *c, int clear, contents *ret) {
    const pdessm_backend *backend = NULL;
    pdessm_status status = PDESSM_OK;
    *ret = (contents){.path = "no cache"};
    if (pdessm_backend_load(c->ctx, &backend) != PDESSM_OK) {
        pdessm_cli_note(c, "%s", pdessm_context_error(c->ctx));
        return PDESSM_OK;
    }
    if (clear)
        PDESSM_TRY(backend->cache_clear(c->ctx));
    PDESSM_TRY(backend->cache_info(c->ctx, ret->path, sizeof ret->path, &ret->files, &ret->bytes));
out:
    return status;
}

static pdessm_status run(cli *c) {
    const char *action = NULL, *model = "pde-nano/4";
    int64_t batch = 4;
    cli_option options[] = {
        {"model", 'm', CLI_TEXT, &model, "PRESET", "warm: the model whose kernels are compiled"},
        {"batch", 'b', CLI_WHOLE, &batch, "N", "warm: images of a step", 1, 1 << 20},
    };
    contents k;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"ACTION", &action}, 1));
    PDESSM_REQUIRE(c->ctx,
                   action && (strcmp(action, "list") == 0 || strcmp(action, "clear") == 0 ||
                              strcmp(action, "warm") == 0),
                   PDESSM_ERROR_ARGUMENT, "%s%s; expected list, clear or warm",
                   action ? "there is no action " : "the action is missing", action ? action : "");
    if (strcmp(action, "warm") == 0)
        PDESSM_TRY(warm(c, model, batch));
    PDESSM_TRY(look(c, strcmp(action, "clear") == 0, &k));
    print(c, action, &k);
out:
    return status;
}
