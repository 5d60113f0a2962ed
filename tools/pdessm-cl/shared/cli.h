/* SPDX-License-Identifier: MIT */
/* cli.h: what every subcommand shares: its row in the table, common options, context and device. */
#ifndef PDESSM_CLI_SHARED_CLI_H
#define PDESSM_CLI_SHARED_CLI_H

#include <pdessm/device.h>

#include "core/clock.h"
#include "core/context.h"

#define PDESSM_CLI_PROGRAM "pdessm-cl"

struct cli;
struct cli_progress;

/* A subcommand: one row of the table in main.c. */
typedef struct cli_command {
    const char *name, *meaning;
    const char *arguments; /* after the options in the first line of --help; "" for none */
    const char *example;
    int prints_result; /* takes --format */
    pdessm_status (*run)(struct cli *c);
} cli_command;

typedef enum cli_format { CLI_FORMAT_TEXT, CLI_FORMAT_JSON } cli_format;

/* One run of the program. Context and device exist from pdessm_cli_begin() and
 * pdessm_cli_open_device() on. */
typedef struct cli {
    const cli_command *command;
    int argc; /* of the subcommand: argv[0] is its name */
    const char **argv;
    const char *device_name; /* NULL: PDESSM_DEVICE, else auto */
    int64_t seed, threads;
    int quiet, seed_given;
    int format;           /* a cli_format */
    int ended, exit_code; /* by --help or wrong usage */
    pdessm_context *ctx;
    pdessm_device *device;
    struct cli_progress *progress; /* the bar on the terminal now, which messages must not cross */
    char **kept;                   /* strings with the lifetime of the run */
    int kept_count;
} cli;

/* Ends a run: device, context and strings. */
void pdessm_cli_release(cli *c);

/* Opens the device that --device names; PDESSM_PROFILE=1 switches its profile on. */
pdessm_status pdessm_cli_open_device(cli *c);

/* One line to stderr, unless --quiet: what the program does on its way. */
void pdessm_cli_note(cli *c, const char *format, ...) PDESSM_PRINTF(2, 3);
/* One line to stderr in any case. */
void pdessm_cli_warn(cli *c, const char *format, ...) PDESSM_PRINTF(2, 3);

/* Hands a malloc'd string over to the run; NULL is out of memory and ends the program. */
const char *pdessm_cli_keep(cli *c, char *text);
/* The same for a text made here. */
const char *pdessm_cli_text(cli *c, const char *format, ...) PDESSM_PRINTF(2, 3);

#define PDESSM_CLI_COMMANDS(X)                                                                     \
    X(devices)                                                                                     \
    X(doctor)                                                                                      \
    X(verify)                                                                                      \
    X(op)                                                                                          \
    X(train)                                                                                       \
    X(sample)                                                                                      \
    X(eval)                                                                                        \
    X(forward)                                                                                     \
    X(info)                                                                                        \
    X(precondition)                                                                                \
    X(report)                                                                                      \
    X(bench)                                                                                       \
    X(optimize)                                                                                    \
    X(graph)                                                                                       \
    X(tune)                                                                                        \
    X(cache)

/* Each subcommand's row lives in the file of its name. */
#define X(name) extern const cli_command pdessm_cli_##name;
PDESSM_CLI_COMMANDS(X)
#undef X

#endif
