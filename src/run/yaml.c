/* SPDX-License-Identifier: MIT */
/* yaml.c: settings in a YAML file: one mapping whose keys are the names of options. Values are
 * taken as text and converted as on the command line, so both sides have the same rules and
 * messages. */
#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/atomic_file.h"
#include "files/file.h"
#include "run/settings.h"

enum { MOST_KEYS = 96 };

/* What cyaml loads and saves: an array of texts, NULL where the key is absent. */
typedef struct schema {
    cyaml_schema_field_t fields[MOST_KEYS + 1];
    cyaml_schema_value_t top;
    cyaml_config_t config;
    char message[256], key[64];
    int line;
} schema;

/* cyaml says what is wrong in its first line and where in the later ones:
 * "Load: Unexpected key: stepz", "  in mapping field 'steps' (line: 3, column: 8)". */
static void take_log(cyaml_log_t level, void *user, const char *format, va_list arguments) {
    schema *s = user;
    char line[256], *place;
    (void)level;
    vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (!*s->message && strcmp(text, "Backtrace:") != 0 && *text != ' ')
        snprintf(s->message, sizeof s->message, "%s", text);
    sscanf(text, "Unexpected key: %63[^\n]", s->key);
    sscanf(text, "Mapping field already seen: %63[^\n]", s->key);
    if (!*s->key)
        sscanf(text, " in mapping field '%63[^']'", s->key);
    place = strstr(text, "line: ");
    if (place && !s->line)
        sscanf(place, "line: %d", &s->line);
}

static void make_schema(schema *s, const pdessm_setting *const *rows, int count) {
    *s = (schema){0};
    for (int i = 0; i < count; i++)
        s->fields[i] = (cyaml_schema_field_t){
            .key = rows[i]->name,
            .data_offset = (uint32_t)((size_t)i * sizeof(char *)),
            .value = {.type = CYAML_STRING,
                      .flags = (cyaml_flag_e)(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER),
                      .data_size = sizeof(char),
                      .string = {.min = 0, .max = CYAML_UNLIMITED}}};
    s->top = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                    .flags = CYAML_FLAG_POINTER,
                                    .data_size = (uint32_t)((size_t)count * sizeof(char *)),
                                    .mapping = {.fields = s->fields}};
    s->config =
        (cyaml_config_t){.log_fn = take_log,
                         .log_ctx = s,
                         .mem_fn = cyaml_mem,
                         .log_level = CYAML_LOG_WARNING,
                         .flags = (cyaml_cfg_flags_t)(CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK)};
}

/* The rows that stand in a file. */
static int file_rows(const pdessm_setting *ret[MOST_KEYS]) {
    int all, count = 0;
    const pdessm_setting *rows = pdessm_run_settings_rows(&all);
    for (int i = 0; i < all; i++)
        if (!(rows[i].flags & PDESSM_SETTING_CALL))
            ret[count++] = &rows[i];
    return count;
}

/* The line on which a key stands, counted from 1; otherwise what the parser believes. */
static int line_of(const pdessm_bytes *text, const char *key, int otherwise) {
    const char *p = (const char *)text->data, *end = p + text->size;
    size_t length = strlen(key);
    int found = 0;
    for (int line = 1; *key && p < end; line++) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        while (p < end && *p == ' ')
            p++;
        if ((size_t)(end - p) > length && memcmp(p, key, length) == 0 &&
            (p[length] == ':' || p[length] == ' '))
            found = line; /* of two equal keys the second one is too many */
        if (!next)
            break;
        p = next + 1;
    }
    return found ? found : otherwise;
}

static pdessm_status not_yaml(pdessm_context *ctx, const char *path, const pdessm_bytes *text,
                              const schema *s, cyaml_err_t code) {
    return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                       "%s:%d: %s; expected lines such as `steps: 1000`, keys as the options in "
                       "`pdessm-cl train --help all`",
                       path, line_of(text, s->key, s->line ? s->line : 1),
                       *s->message ? s->message : cyaml_strerror(code));
}

static pdessm_status take_value(pdessm_context *ctx, const char *path, const pdessm_bytes *text,
                                const pdessm_setting *row, const char *value,
                                pdessm_run_settings *settings) {
    char why[256];
    void *member = pdessm_setting_of(row, settings);
    if (!pdessm_value_read(&row->rule, value, member, why, sizeof why))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s:%d: %s: '%s': %s", path,
                           line_of(text, row->name, 1), row->name, value, why);
    return row->rule.kind == PDESSM_VALUE_TEXT
               ? pdessm_run_settings_keep(ctx, settings, member, value)
               : PDESSM_OK;
}

pdessm_status pdessm_run_settings_parse(pdessm_context *ctx, const char *path,
                                        const pdessm_bytes *text, pdessm_run_settings *settings) {
    const pdessm_setting *rows[MOST_KEYS] = {NULL};
    schema s;
    char **values = NULL;
    pdessm_status status = PDESSM_OK;
    int count = file_rows(rows);
    make_schema(&s, rows, count);
    cyaml_err_t code =
        cyaml_load_data(text->data, text->size, &s.config, &s.top, (cyaml_data_t **)&values, NULL);
    if (code == CYAML_OK && *s.message)
        pdessm_log(ctx, PDESSM_LOG_WARNING, "%s: %s", path, s.message);
    if (code != CYAML_OK)
        status = not_yaml(ctx, path, text, &s, code);
    for (int i = 0; status == PDESSM_OK && values && i < count; i++)
        if (values[i])
            status = take_value(ctx, path, text, rows[i], values[i], settings);
    if (values)
        cyaml_free(&s.config, &s.top, values, 0);
    return status;
}

pdessm_status pdessm_run_settings_load(pdessm_context *ctx, const char *path,
                                       pdessm_run_settings *settings) {
    pdessm_bytes text = {0};
    pdessm_status status = pdessm_bytes_open(ctx, path, &text);
    if (status == PDESSM_OK)
        status = pdessm_run_settings_parse(ctx, path, &text, settings);
    pdessm_bytes_release(&text);
    return status;
}

pdessm_status pdessm_run_settings_format(pdessm_context *ctx, const pdessm_run_settings *settings,
                                         char **ret, size_t *ret_size) {
    const pdessm_setting *rows[MOST_KEYS] = {NULL};
    const char *values[MOST_KEYS];
    pdessm_value_text room[MOST_KEYS];
    pdessm_run_settings copy = *settings;
    schema s;
    char *text = NULL;
    size_t size = 0;
    pdessm_status status = PDESSM_OK;
    int count = file_rows(rows);
    make_schema(&s, rows, count);
    for (int i = 0; i < count; i++)
        values[i] = pdessm_value_write(&rows[i]->rule, pdessm_setting_of(rows[i], &copy), &room[i]);
    cyaml_err_t code = cyaml_save_data(&text, &size, &s.config, &s.top, values, 0);
    PDESSM_REQUIRE(ctx, code == CYAML_OK, PDESSM_ERROR_FAILED, "settings as YAML: %s",
                   cyaml_strerror(code));
    *ret = text;
    *ret_size = size;
out:
    return status;
}

pdessm_status pdessm_run_settings_save(pdessm_context *ctx, const char *path,
                                       const pdessm_run_settings *settings) {
    char *text = NULL;
    size_t size = 0;
    pdessm_status status = pdessm_run_settings_format(ctx, settings, &text, &size);
    if (status == PDESSM_OK)
        status = pdessm_write_file(ctx, path, text, size);
    free(text);
    return status;
}
