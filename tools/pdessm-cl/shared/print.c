/* SPDX-License-Identifier: MIT */
/* print.c: JSON heads, tables, the profile, and the end of stdout. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pdessm_config.h"
#include "print.h"

void *pdessm_cli_need(void *pointer) {
    if (!pointer) {
        fputs(PDESSM_CLI_PROGRAM ": out of memory\n", stderr);
        exit(pdessm_status_exit_code(PDESSM_ERROR_MEMORY));
    }
    return pointer;
}

/* ------------------------------------------------------------------ JSON */

void pdessm_cli_json_number(cJSON *object, const char *key, double value) {
    pdessm_cli_need(cJSON_AddNumberToObject(object, key, value));
}

void pdessm_cli_json_text(cJSON *object, const char *key, const char *value) {
    pdessm_cli_need(cJSON_AddStringToObject(object, key, value));
}

void pdessm_cli_json_bool(cJSON *object, const char *key, int value) {
    pdessm_cli_need(cJSON_AddBoolToObject(object, key, value));
}

cJSON *pdessm_cli_json_object(cJSON *object, const char *key) {
    return pdessm_cli_need(cJSON_AddObjectToObject(object, key));
}

cJSON *pdessm_cli_json_array(cJSON *object, const char *key) {
    return pdessm_cli_need(cJSON_AddArrayToObject(object, key));
}

cJSON *pdessm_cli_json_row(cJSON *array) {
    cJSON *row = pdessm_cli_need(cJSON_CreateObject());
    cJSON_AddItemToArray(array, row);
    return row;
}

const char *pdessm_cli_kind_name(pdessm_device_kind kind) {
    switch (kind) {
    case PDESSM_DEVICE_PLAIN_C:
        return "plain-c";
    case PDESSM_DEVICE_GPU:
        return "gpu";
    case PDESSM_DEVICE_INTEGRATED_GPU:
        return "integrated-gpu";
    case PDESSM_DEVICE_OPENCL_CPU:
        return "opencl-cpu";
    case PDESSM_DEVICE_OTHER:
        break;
    }
    return "other";
}

cJSON *pdessm_cli_json_device(const pdessm_device_info *info) {
    cJSON *d = pdessm_cli_need(cJSON_CreateObject());
    char id[32];
    snprintf(id, sizeof id, "%d:%d", info->platform, info->device);
    pdessm_cli_json_number(d, "index", info->index);
    pdessm_cli_json_text(d, "id", info->kind == PDESSM_DEVICE_PLAIN_C ? "cpu" : id);
    pdessm_cli_json_text(d, "kind", pdessm_cli_kind_name(info->kind));
    pdessm_cli_json_text(d, "name", info->name);
    pdessm_cli_json_text(d, "vendor", info->vendor);
    pdessm_cli_json_text(d, "platform", info->platform_name);
    pdessm_cli_json_text(d, "driver", info->driver);
    pdessm_cli_json_text(d, "version", info->version);
    pdessm_cli_json_number(d, "memory_bytes", (double)info->memory);
    pdessm_cli_json_number(d, "largest_allocation_bytes", (double)info->largest_allocation);
    pdessm_cli_json_number(d, "local_memory_bytes", (double)info->local_memory);
    pdessm_cli_json_number(d, "compute_units", info->compute_units);
    pdessm_cli_json_bool(d, "fp16", info->fp16);
    pdessm_cli_json_bool(d, "fp64", info->fp64);
    return d;
}

cJSON *pdessm_cli_json_begin(cli *c) {
    cJSON *json = pdessm_cli_need(cJSON_CreateObject());
    pdessm_cli_json_number(json, "schema_version", PDESSM_CLI_SCHEMA_VERSION);
    cJSON *program = pdessm_cli_json_object(json, "program");
    pdessm_cli_json_text(program, "name", PDESSM_CLI_PROGRAM);
    pdessm_cli_json_text(program, "version", PDESSM_VERSION);
    if (c->device) {
        const pdessm_device_info *info = pdessm_device_get_info(c->device);
        cJSON_AddItemToObject(json, "device", pdessm_cli_json_device(info));
        pdessm_cli_json_text(json, "driver", info->driver);
    }
    return json;
}

void pdessm_cli_json_print(cJSON *json) {
    char *text = pdessm_cli_need(cJSON_Print(json));
    puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
}

/* ------------------------------------------------------------------ tables */

enum { COLUMNS = 16 };

struct cli_table {
    char alignment[COLUMNS + 1];
    char **line;
    int lines;
};

cli_table *pdessm_cli_table_create(const char *alignment) {
    cli_table *table = pdessm_cli_need(calloc(1, sizeof *table));
    snprintf(table->alignment, sizeof table->alignment, "%s", alignment);
    return table;
}

void pdessm_cli_table_row(cli_table *table, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t bytes = ((size_t)table->lines + 1) * sizeof *table->line;
    table->line = pdessm_cli_need(realloc(table->line, bytes));
    table->line[table->lines++] = pdessm_cli_need(strdup(text));
}

/* Columns of a terminal that text takes, if it is UTF-8: bytes that do not continue a character. */
static int width_of(const char *text, size_t bytes) {
    int width = 0;
    for (size_t i = 0; i < bytes; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static void print_line(const cli_table *table, const char *line, const int *widths, FILE *stream) {
    for (int i = 0; table->alignment[i]; i++) {
        size_t bytes = strcspn(line, "\t");
        int pad = widths[i] - width_of(line, bytes);
        int right = table->alignment[i] == 'R', last = !table->alignment[i + 1];
        fprintf(stream, "%*s%.*s%*s", right ? pad : 0, "", (int)bytes, line,
                right || last ? 0 : pad, "");
        fputs(last ? "\n" : "  ", stream);
        line += bytes + (line[bytes] == '\t');
    }
}

void pdessm_cli_table_print(cli_table *table, FILE *stream) {
    int widths[COLUMNS] = {0};
    for (int l = 0; l < table->lines; l++) {
        const char *cell = table->line[l];
        for (int i = 0; table->alignment[i]; i++) {
            size_t bytes = strcspn(cell, "\t");
            int width = width_of(cell, bytes);
            widths[i] = width > widths[i] ? width : widths[i];
            cell += bytes + (cell[bytes] == '\t');
        }
    }
    for (int l = 0; l < table->lines; l++) {
        print_line(table, table->line[l], widths, stream);
        free(table->line[l]);
    }
    free(table->line);
    free(table);
}

/* ------------------------------------------------------------------ stdout, profile */

int pdessm_cli_finish_output(void) {
    errno = 0;
    int failed = ferror(stdout) != 0;
    failed = fflush(stdout) != 0 || failed;
    if (!failed || errno == EPIPE)
        return 0;
    fprintf(stderr, PDESSM_CLI_PROGRAM ": cannot write the result to stdout: %s\n",
            errno ? strerror(errno) : "write failed");
    return pdessm_status_exit_code(PDESSM_ERROR_IO);
}

pdessm_status pdessm_cli_print_profile(cli *c) {
    pdessm_profile_row *rows = NULL;
    int count = 0;
    pdessm_status status = pdessm_device_profile(c->device, &rows, &count);
    if (status != PDESSM_OK)
        return status;
    double total = 0;
    for (int i = 0; i < count; i++)
        total += rows[i].seconds;
    cli_table *table = pdessm_cli_table_create("LLLRRRRR");
    pdessm_cli_table_row(table, "operator\tpass\tplace\tcalls\tms\tshare\tGFLOP/s\tGB/s");
    for (int i = 0; i < count; i++) {
        double seconds = rows[i].seconds > 0 ? rows[i].seconds : 1e-9;
        pdessm_cli_table_row(table, "%s\t%s\t%s\t%lld\t%.2f\t%.1f%%\t%.1f\t%.1f", rows[i].name,
                             rows[i].pass, rows[i].place, (long long)rows[i].calls,
                             rows[i].seconds * 1e3, total > 0 ? 100 * rows[i].seconds / total : 0,
                             rows[i].flops / seconds * 1e-9, rows[i].bytes / seconds * 1e-9);
    }
    pdessm_cli_table_print(table, stderr);
    free(rows);
    return PDESSM_OK;
}
