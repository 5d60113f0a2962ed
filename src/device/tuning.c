/* SPDX-License-Identifier: MIT */
/* tuning.c: the table of measured choices, and its file. */
#define _GNU_SOURCE
#include "device/tuning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "files/cache_folder.h"
#include "pdessm_config.h"

enum { PATH_BYTES = 4096, MOST_ENTRIES = 4096 };

static const char head[] = "pdessm tuning 1";

struct pdessm_tuning {
    pdessm_context *ctx;
    char path[PATH_BYTES];
    char device[128], driver[128];
    int count, room;
    pdessm_tuned *entry;
};

static const pdessm_tunable *tunable_of(pdessm_op op) {
    return pdessm_op_get(op)->descriptor->tunable;
}

/* ------------------------------------------------------------------ the table */

static int is_candidate(const pdessm_choice *choice, int64_t value) {
    for (const int64_t *v = choice->candidate; *v; v++)
        if (*v == value)
            return 1;
    return 0;
}

static int find(const pdessm_tuning *t, const pdessm_tuned *key) {
    for (int i = 0; i < t->count; i++) {
        const pdessm_tuned *e = &t->entry[i];
        if (e->op == key->op && e->pass == key->pass && e->choice == key->choice &&
            memcmp(e->extent, key->extent, sizeof e->extent) == 0)
            return i;
    }
    return -1;
}

static pdessm_tuned key_of(const pdessm_call *call, int choice) {
    pdessm_tuned key = {.op = call->op, .pass = call->pass, .choice = choice};
    tunable_of(call->op)->classify(call, key.extent);
    return key;
}

int64_t pdessm_choose(const pdessm_site *site, int choice) {
    const pdessm_choice *c = &tunable_of(site->call->op)->choice[choice];
    if (site->tuning && site->tuning->count > 0) {
        pdessm_tuned key = key_of(site->call, choice);
        int i = find(site->tuning, &key);
        if (i >= 0 && c->applies(site, site->tuning->entry[i].value))
            return site->tuning->entry[i].value;
    }
    return c->standard(site);
}

static pdessm_status put(pdessm_tuning *t, const pdessm_tuned *entry) {
    int i = find(t, entry);
    if (i < 0 && t->count == t->room) {
        int room = t->room > 0 ? 2 * t->room : 32;
        pdessm_tuned *more = realloc(t->entry, (size_t)room * sizeof *more);
        if (!more)
            return pdessm_fail(t->ctx, PDESSM_ERROR_MEMORY, "out of memory");
        t->entry = more;
        t->room = room;
    }
    t->entry[i < 0 ? t->count++ : i] = *entry;
    return PDESSM_OK;
}

pdessm_status pdessm_tuning_set(pdessm_tuning *t, const pdessm_call *call, int choice,
                                int64_t value, double gain) {
    pdessm_tuned entry = key_of(call, choice);
    entry.value = value;
    entry.gain = gain;
    if (value != 0)
        return put(t, &entry);
    int i = find(t, &entry);
    if (i >= 0)
        t->entry[i] = t->entry[--t->count];
    return PDESSM_OK;
}

int pdessm_tuning_count(const pdessm_tuning *t) {
    return t->count;
}

const pdessm_tuned *pdessm_tuning_get(const pdessm_tuning *t, int i) {
    return &t->entry[i];
}

const char *pdessm_tuning_path(const pdessm_tuning *t) {
    return t->path;
}

/* ------------------------------------------------------------------ as text */

pdessm_tuning_text pdessm_tuning_class_text(const int64_t extent[PDESSM_CLASS_EXTENTS]) {
    pdessm_tuning_text t = {"any"};
    size_t used = 0;
    for (int i = 0; i < PDESSM_CLASS_EXTENTS && extent[i] > 0; i++)
        used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%lld", i > 0 ? "x" : "",
                                 (long long)extent[i]);
    return t;
}

pdessm_tuning_text pdessm_tuning_value_text(pdessm_op op, int choice, int64_t value) {
    const char *const *names = tunable_of(op)->choice[choice].names;
    pdessm_tuning_text t;
    if (names)
        snprintf(t.text, sizeof t.text, "%s", names[value]);
    else
        snprintf(t.text, sizeof t.text, "%lld", (long long)value);
    return t;
}

static int read_class(const char *text, int64_t extent[PDESSM_CLASS_EXTENTS]) {
    if (strcmp(text, "any") == 0)
        return 1;
    for (int i = 0; i < PDESSM_CLASS_EXTENTS; i++) {
        char *end;
        long long value = strtoll(text, &end, 10);
        if (end == text || value < 1)
            return 0;
        extent[i] = value;
        if (!*end)
            return 1;
        if (*end != 'x')
            return 0;
        text = end + 1;
    }
    return 0;
}

/* The value that a text means for a choice, 0 when it is none of its candidates. */
static int64_t read_value(pdessm_op op, int choice, const char *text) {
    const int64_t *v = tunable_of(op)->choice[choice].candidate;
    while (*v && strcmp(pdessm_tuning_value_text(op, choice, *v).text, text) != 0)
        v++;
    return *v;
}

/* "spectral_filter forward 16x16 tile 8 1.25" */
static int read_entry(const char *line, pdessm_tuned *ret) {
    char op[64], pass[16], extents[96], choice[64], value[64];
    int used = 0;
    pdessm_tuned e = {0};
    if (sscanf(line, "%63s %15s %95s %63s %63s %lf%n", op, pass, extents, choice, value, &e.gain,
               &used) != 6 ||
        line[used])
        return 0;
    e.op = pdessm_op_find(op);
    if (e.op == PDESSM_OP_COUNT || !tunable_of(e.op) || !read_class(extents, e.extent))
        return 0;
    e.pass = strcmp(pass, "backward") == 0 ? PDESSM_BACKWARD : PDESSM_FORWARD;
    if (e.pass == PDESSM_FORWARD && strcmp(pass, "forward") != 0)
        return 0;
    const pdessm_tunable *t = tunable_of(e.op);
    while (e.choice < t->count && strcmp(t->choice[e.choice].name, choice) != 0)
        e.choice++;
    if (e.choice == t->count)
        return 0;
    e.value = read_value(e.op, e.choice, value);
    *ret = e;
    return e.value != 0 && is_candidate(&t->choice[e.choice], e.value);
}

/* ------------------------------------------------------------------ the file */

/* One line without its end; 0 at the end of the file or when a line is too long. */
static int next_line(FILE *file, char *line, size_t size) {
    if (!fgets(line, (int)size, file))
        return 0;
    size_t length = strcspn(line, "\n");
    int whole = line[length] == '\n';
    line[length] = '\0';
    return whole;
}

/* Lines: head, device, driver, entries, "end COUNT". The answer is the number of the line that is
 * wrong, 0 when none is. ret_status: out of memory. */
static int read_lines(pdessm_tuning *t, FILE *file, pdessm_status *ret_status) {
    char line[512], expected[512];
    const char *const first[] = {head, t->device, t->driver};
    const char *const label[] = {"", "device ", "driver "};
    int number = 1, count = 0, used = 0;
    for (; number <= 3; number++) {
        snprintf(expected, sizeof expected, "%s%s", label[number - 1], first[number - 1]);
        if (!next_line(file, line, sizeof line) || strcmp(line, expected) != 0)
            return number;
    }
    for (; number < MOST_ENTRIES; number++) {
        pdessm_tuned entry;
        if (!next_line(file, line, sizeof line))
            return number;
        if (sscanf(line, "end %d%n", &count, &used) == 1 && !line[used])
            return count == t->count && fgetc(file) == EOF ? 0 : number;
        if (!read_entry(line, &entry))
            return number;
        *ret_status = put(t, &entry);
        if (*ret_status != PDESSM_OK)
            return 0;
    }
    return number;
}

static pdessm_status read_file(pdessm_tuning *t) {
    pdessm_status status = PDESSM_OK;
    FILE *file = *t->path ? fopen(t->path, "r") : NULL;
    if (!file)
        return PDESSM_OK;
    int wrong = read_lines(t, file, &status);
    fclose(file);
    if (wrong == 0)
        return status;
    t->count = 0;
    pdessm_log(t->ctx, PDESSM_LOG_WARNING,
               "%s:%d: the tuning of this device is damaged and not used; `pdessm-cl tune` "
               "measures it again",
               t->path, wrong);
    return PDESSM_OK;
}

static int write_lines(const pdessm_tuning *t, FILE *file) {
    fprintf(file, "%s\ndevice %s\ndriver %s\n", head, t->device, t->driver);
    for (int i = 0; i < t->count; i++) {
        const pdessm_tuned *e = &t->entry[i];
        fprintf(file, "%s %s %s %s %s %.3f\n", pdessm_op_get(e->op)->name,
                e->pass == PDESSM_FORWARD ? "forward" : "backward",
                pdessm_tuning_class_text(e->extent).text, tunable_of(e->op)->choice[e->choice].name,
                pdessm_tuning_value_text(e->op, e->choice, e->value).text, e->gain);
    }
    return fprintf(file, "end %d\n", t->count) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

pdessm_status pdessm_tuning_save(const pdessm_tuning *t) {
    char folder[PATH_BYTES], temporary[PATH_BYTES + 16];
    int written = 0;
    if (!*t->path || !pdessm_cache_folder("tuning", folder, sizeof folder))
        return pdessm_fail(t->ctx, PDESSM_ERROR_IO,
                           "there is no cache folder to keep the tuning in: neither "
                           "PDESSM_CACHE_DIR, XDG_CACHE_HOME nor HOME is set");
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", t->path);
    int descriptor = pdessm_cache_folder_make(folder) ? mkstemp(temporary) : -1;
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (file) {
        written = write_lines(t, file);
        written = fclose(file) == 0 && written && rename(temporary, t->path) == 0;
    } else if (descriptor >= 0) {
        close(descriptor);
    }
    if (written)
        return PDESSM_OK;
    int code = errno;
    if (descriptor >= 0)
        unlink(temporary);
    return pdessm_fail(t->ctx, PDESSM_ERROR_IO,
                       "cannot write the tuning to %s: %s; PDESSM_CACHE_DIR names another folder",
                       t->path, strerror(code));
}

pdessm_status pdessm_tuning_clear(pdessm_tuning *t, int *ret_was_there) {
    int removed = *t->path && unlink(t->path) == 0;
    if (*t->path && !removed && errno != ENOENT)
        return pdessm_fail(t->ctx, PDESSM_ERROR_IO, "cannot remove %s: %s", t->path,
                           strerror(errno));
    t->count = 0;
    *ret_was_there = removed;
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ open */

static uint64_t hash_text(uint64_t hash, const char *text) {
    do /* the zero too, which keeps "ab" "c" apart from "a" "bc" */
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    while (*text++);
    return hash;
}

static void name_file(pdessm_tuning *t, const pdessm_device_info *info) {
    char folder[PATH_BYTES - 64];
    const char *const texts[] = {info->name, info->driver, info->version, info->platform_name,
                                 PDESSM_VERSION};
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash = hash_text(hash, texts[i]);
    /* The two forms of kernels on one device (PDESSM_KERNEL_FORM) are two devices to us. */
    hash = hash_text(hash, info->kind == PDESSM_DEVICE_OPENCL_CPU ? "cpu form" : "");
    if (pdessm_cache_folder("tuning", folder, sizeof folder))
        snprintf(t->path, sizeof t->path, "%s/%016llx.txt", folder, (unsigned long long)hash);
}

pdessm_status pdessm_tuning_open(pdessm_context *ctx, const pdessm_device_info *info,
                                 pdessm_tuning **ret) {
    pdessm_status status = PDESSM_OK;
    const char *setting = getenv("PDESSM_TUNING");
    pdessm_tuning *t = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    snprintf(t->device, sizeof t->device, "%s", info->name);
    snprintf(t->driver, sizeof t->driver, "%s", info->driver);
    name_file(t, info);
    if (!setting || strcmp(setting, "off") != 0)
        PDESSM_TRY(read_file(t));
    *ret = t;
    t = NULL;
out:
    pdessm_tuning_close(&t);
    return status;
}

void pdessm_tuning_close(pdessm_tuning **tuning) {
    if (!*tuning)
        return;
    free((*tuning)->entry);
    free(*tuning);
    *tuning = NULL;
}
