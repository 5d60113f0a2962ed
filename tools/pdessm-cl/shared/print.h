/* SPDX-License-Identifier: MIT */
/* print.h: results on stdout, as JSON or as a table. */
#ifndef PDESSM_CLI_SHARED_PRINT_H
#define PDESSM_CLI_SHARED_PRINT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "cli.h"
#include "core/text.h"

/* Raised whenever a key of any JSON output changes its meaning or goes away. */
enum { PDESSM_CLI_SCHEMA_VERSION = 1 };

/* An object with schema_version, program and, when there is one, the open device. Never NULL:
 * without memory the program ends. */
cJSON *pdessm_cli_json_begin(cli *c);
/* Prints and releases it. */
void pdessm_cli_json_print(cJSON *json);

/* A device as JSON: index, id (P:D), name, driver, ... */
cJSON *pdessm_cli_json_device(const pdessm_device_info *info);
const char *pdessm_cli_kind_name(pdessm_device_kind kind);

/* Additions that end the program when memory is out. */
void pdessm_cli_json_number(cJSON *object, const char *key, double value);
void pdessm_cli_json_text(cJSON *object, const char *key, const char *value);
void pdessm_cli_json_bool(cJSON *object, const char *key, int value);
/* The new empty child. */
cJSON *pdessm_cli_json_object(cJSON *object, const char *key);
cJSON *pdessm_cli_json_array(cJSON *object, const char *key);
/* Appends an empty object to an array. */
cJSON *pdessm_cli_json_row(cJSON *array);

/* A table whose columns become as wide as they must: cells are printf'd, '\t' parts columns, and
 * columns named in `right` ("R" or "L" for each) are flushed that way. */
typedef struct cli_table cli_table;
cli_table *pdessm_cli_table_create(const char *alignment);
void pdessm_cli_table_row(cli_table *table, const char *format, ...) PDESSM_PRINTF(2, 3);
/* Prints and releases it. */
void pdessm_cli_table_print(cli_table *table, FILE *stream);

/* Flushes stdout at the very end; the exit code: 0, or 1 when the result could not be written. A
 * reader that went away (| head) is no error. */
int pdessm_cli_finish_output(void);

/* The profile of the open device, on stderr. */
pdessm_status pdessm_cli_print_profile(cli *c);

/* out of memory: says so and ends the program. */
void *pdessm_cli_need(void *pointer);

#endif
