/* SPDX-License-Identifier: MIT */
/* main.c: pdessm-cl: the table of subcommands, and what begins and ends each of them. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pdessm_config.h"
#include "shared/options.h"
#include "shared/print.h"
#include "shared/progress.h"

static const cli_command *const commands[] = {
#define X(name) &pdessm_cli_##name,
    PDESSM_CLI_COMMANDS(X)
#undef X
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* ------------------------------------------------------------------ the program */

static void print_usage(FILE *stream) {
    fputs("Usage: " PDESSM_CLI_PROGRAM " SUBCOMMAND [OPTION...]\n"
          "Diffusion transformers whose mixer is a partial differential equation.\n\n",
          stream);
    cli_table *table = pdessm_cli_table_create("LLL");
    for (int i = 0; i < COMMANDS; i++)
        pdessm_cli_table_row(table, "\t%s\t%s", commands[i]->name, commands[i]->meaning);
    pdessm_cli_table_print(table, stream);
    fputs("\n" PDESSM_CLI_PROGRAM
          " SUBCOMMAND --help says more, with an example.\n" PDESSM_CLI_PROGRAM
          " --version prints the version.\n",
          stream);
}

static const cli_command *find_command(const char *name) {
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int wrong_usage(const char *what, const char *name) {
    fprintf(stderr, PDESSM_CLI_PROGRAM ": %s%s; ", what, name);
    for (int i = 0; i < COMMANDS && *name; i++)
        if (pdessm_cli_distance(name, commands[i]->name) <= PDESSM_CLI_NEAR)
            fprintf(stderr, "did you mean %s? ", commands[i]->name);
    fputs("expected one of:", stderr);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stderr, " %s", commands[i]->name);
    fputs(" (see " PDESSM_CLI_PROGRAM " --help)\n", stderr);
    return pdessm_status_exit_code(PDESSM_ERROR_ARGUMENT);
}

static void print_failure(cli *c, pdessm_status status) {
    const char *text = c->ctx ? pdessm_context_error(c->ctx) : "";
    pdessm_cli_progress_clear(c->progress);
    fprintf(stderr, PDESSM_CLI_PROGRAM " %s: %s", c->command->name,
            *text ? text : pdessm_status_text(status));
    if (pdessm_status_exit_code(status) == pdessm_status_exit_code(PDESSM_ERROR_ARGUMENT))
        fprintf(stderr, " (see " PDESSM_CLI_PROGRAM " %s --help)", c->command->name);
    fputc('\n', stderr);
}

static int run_command(const cli_command *command, int argc, const char **argv) {
    cli c = {.command = command, .argc = argc, .argv = argv};
    const char *profile = getenv("PDESSM_PROFILE");
    pdessm_status status = command->run(&c);
    if (status != PDESSM_OK && !c.ended)
        print_failure(&c, status);
    if (c.device && profile && strcmp(profile, "1") == 0)
        pdessm_cli_print_profile(&c);
    pdessm_cli_release(&c);
    if (c.ended)
        return c.exit_code;
    int code = pdessm_cli_finish_output();
    return status != PDESSM_OK ? pdessm_status_exit_code(status) : code;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : NULL;
    /* A reader that goes away is seen as EPIPE when stdout is flushed. */
    signal(SIGPIPE, SIG_IGN);
    if (!name)
        return wrong_usage("a subcommand is missing", "");
    if (strcmp(name, "--version") == 0) {
        puts(PDESSM_CLI_PROGRAM " " PDESSM_VERSION);
        return pdessm_cli_finish_output();
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return pdessm_cli_finish_output();
    }
    const cli_command *command = find_command(name);
    if (!command)
        return wrong_usage(*name == '-' ? "there is no option " : "there is no subcommand ", name);
    return run_command(command, argc - 1, (const char **)argv + 1);
}
