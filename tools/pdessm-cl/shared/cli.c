/* SPDX-License-Identifier: MIT */
/* cli.c: what every subcommand shares: strings, notes, the clock, the device. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "progress.h"

const char *pdessm_cli_keep(cli *c, char *text) {
    pdessm_cli_need(text);
    c->kept = pdessm_cli_need(realloc(c->kept, ((size_t)c->kept_count + 1) * sizeof *c->kept));
    c->kept[c->kept_count++] = text;
    return text;
}

const char *pdessm_cli_text(cli *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = pdessm_cli_need(malloc((size_t)length + 1));
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return pdessm_cli_keep(c, text);
}

static void print_line(cli *c, const char *prefix, const char *format, va_list arguments) {
    pdessm_cli_progress_clear(c->progress);
    fprintf(stderr, PDESSM_CLI_PROGRAM ": %s", prefix);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void pdessm_cli_note(cli *c, const char *format, ...) {
    if (c->quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    print_line(c, "", format, arguments);
    va_end(arguments);
}

void pdessm_cli_warn(cli *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(c, "warning: ", format, arguments);
    va_end(arguments);
}

pdessm_status pdessm_cli_open_device(cli *c) {
    const char *profile = getenv("PDESSM_PROFILE");
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_device_open(c->ctx, c->device_name, &c->device));
    if (profile && strcmp(profile, "1") == 0)
        PDESSM_TRY(pdessm_device_profile_enable(c->device, 1));
out:
    return status;
}

void pdessm_cli_release(cli *c) {
    pdessm_device_destroy(&c->device);
    pdessm_context_destroy(&c->ctx);
    for (int i = 0; i < c->kept_count; i++)
        free(c->kept[i]);
    free(c->kept);
    c->kept = NULL;
    c->kept_count = 0;
}
