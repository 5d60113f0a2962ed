/* SPDX-License-Identifier: MIT */
/* log.c: the logs of a run: written line by line, and read as columns of numbers. */
#include "run/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <pdessm/run.h>

#include "files/csv.h"
#include "files/file.h"

#define COLUMNS "step,loss,learning_rate,gradient_norm,images_per_second,wall_seconds,memory_bytes"
static const char log_head[] = COLUMNS "\n", level_head[] = COLUMNS ",level,step_flops\n";
static const char accuracy_head[] = "step,test_accuracy\n";

static pdessm_status write_text(pdessm_log_file *log, const char *text, size_t size) {
    while (size > 0) {
        ssize_t written = write(log->descriptor, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return pdessm_fail_io(log->ctx, log->path, "write", errno, (int64_t)size);
        text += written;
        size -= (size_t)written;
    }
    return PDESSM_OK;
}

/* Bytes of the head and of the whole lines up to step `keep`; 0 when the head is not ours. */
static size_t find_end(pdessm_log_file *log, const char *text, int64_t keep) {
    size_t used = strlen(log->head);
    if (strncmp(text, log->head, used) != 0)
        return 0;
    for (;;) {
        const char *line = text + used, *end = strchr(line, '\n');
        int64_t step;
        double second, sixth;
        int found =
            sscanf(line, "%" SCNd64 ",%lf,%*[^,],%*[^,],%*[^,],%lf", &step, &second, &sixth);
        if (!end || found < log->numbers || step > keep)
            return used;
        used = (size_t)(end + 1 - text);
        log->last_step = step;
        log->last_value = second;
        log->seconds = found == 3 ? sixth : 0;
    }
}

static pdessm_status cut(pdessm_log_file *log, int64_t keep) {
    pdessm_status status = PDESSM_OK;
    char *text = NULL;
    pdessm_bytes bytes = {0};
    off_t size = lseek(log->descriptor, 0, SEEK_END);
    if (size == 0)
        return write_text(log, log->head, strlen(log->head));
    PDESSM_TRY(pdessm_bytes_open(log->ctx, log->path, &bytes));
    PDESSM_TRY(pdessm_alloc(log->ctx, bytes.size + 1, 1, &text));
    memcpy(text, bytes.data, bytes.size);
    size_t end = find_end(log, text, keep);
    PDESSM_REQUIRE(log->ctx, end > 0, PDESSM_ERROR_FILE,
                   "%s: the first line is not that of a training log; move the file away",
                   log->path);
    if (ftruncate(log->descriptor, (off_t)end) != 0 ||
        lseek(log->descriptor, 0, SEEK_END) != (off_t)end)
        status = pdessm_fail_io(log->ctx, log->path, "truncate", errno, -1);
out:
    pdessm_bytes_release(&bytes);
    free(text);
    return status;
}

/* The lock goes with the descriptor, so a killed process leaves none behind. */
static pdessm_status open_log(pdessm_log_file log, int64_t keep, pdessm_log_file *ret) {
    pdessm_context *ctx = log.ctx;
    const char *path = log.path;
    pdessm_status status = PDESSM_OK;
    log.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log.descriptor < 0)
        return pdessm_fail_io(ctx, path, "open", errno, -1);
    PDESSM_REQUIRE(ctx, flock(log.descriptor, LOCK_EX | LOCK_NB) == 0, PDESSM_ERROR_FAILED,
                   "%s: another process trains in this folder; wait for it or use another --out",
                   path);
    PDESSM_TRY(cut(&log, keep));
    *ret = log;
    log.ctx = NULL;
out:
    pdessm_log_file_close(&log);
    return status;
}

pdessm_status pdessm_log_file_open(pdessm_context *ctx, const char *path, int64_t keep, int levels,
                                   pdessm_log_file *ret) {
    pdessm_log_file log = {
        .ctx = ctx, .head = levels ? level_head : log_head, .numbers = 3, .last_step = -1};
    snprintf(log.path, sizeof log.path, "%s", path);
    return open_log(log, keep, ret);
}

pdessm_status pdessm_accuracy_file_open(pdessm_context *ctx, const char *path, int64_t keep,
                                        pdessm_log_file *ret) {
    pdessm_log_file log = {.ctx = ctx, .head = accuracy_head, .numbers = 2, .last_step = -1};
    snprintf(log.path, sizeof log.path, "%s", path);
    return open_log(log, keep, ret);
}

pdessm_status pdessm_accuracy_file_append(pdessm_log_file *log, int64_t step, double accuracy) {
    char text[64];
    int size = snprintf(text, sizeof text, "%" PRId64 ",%.6g\n", step, accuracy);
    log->last_step = step;
    log->last_value = accuracy;
    return write_text(log, text, (size_t)size);
}

pdessm_status pdessm_log_file_append(pdessm_log_file *log, const pdessm_log_line *line) {
    char text[256];
    int size = snprintf(text, sizeof text, "%" PRId64 ",%.6g,%.6g,%.6g,%.1f,%.2f,%" PRId64,
                        line->step, line->loss, line->rate, line->gradient_norm,
                        line->images_per_second, line->seconds, line->memory);
    if (log->head == level_head)
        size += snprintf(text + size, sizeof text - (size_t)size, ",%d,%.6g", line->level,
                         line->step_flops);
    text[size++] = '\n';
    log->last_step = line->step;
    log->seconds = line->seconds;
    return write_text(log, text, (size_t)size);
}

void pdessm_log_file_close(pdessm_log_file *log) {
    if (log->ctx && log->descriptor >= 0)
        close(log->descriptor);
    log->ctx = NULL;
}

/* ------------------------------------------------------------------ reading */

/* Without a line that a process is writing just now, or never finished. */
static size_t whole_lines(const pdessm_bytes *bytes) {
    size_t size = bytes->size;
    while (size > 0 && bytes->data[size - 1] != '\n')
        size--;
    return size;
}

/* One block: pointers to the columns, then their numbers. */
static pdessm_status turn(pdessm_context *ctx, pdessm_table *table, pdessm_run_log *log) {
    const size_t columns = (size_t)table->columns, rows = (size_t)table->rows;
    pdessm_status status =
        pdessm_alloc(ctx, columns, sizeof *log->value + rows * sizeof **log->value, &log->value);
    if (status != PDESSM_OK)
        return status;
    double *value = (double *)(log->value + columns);
    for (size_t i = 0; i < columns; i++) {
        log->value[i] = value + i * rows;
        for (size_t row = 0; row < rows; row++)
            log->value[i][row] = table->value[row * columns + i];
    }
    log->columns = (int)columns;
    log->rows = (int64_t)rows;
    log->name = table->name;
    table->name = NULL;
    return PDESSM_OK;
}

pdessm_status pdessm_run_log_read(pdessm_context *ctx, const char *folder, const char *name,
                                  pdessm_run_log *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_run_log log = {0};
    pdessm_bytes bytes = {0};
    pdessm_table table = {0};
    char *path = NULL;
    PDESSM_TRY(pdessm_path_join(ctx, folder, name, &path));
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    const size_t size = whole_lines(&bytes);
    log.cut_off = size < bytes.size;
    PDESSM_REQUIRE(ctx, size > 0, PDESSM_ERROR_FILE,
                   "%s: empty; expected a line of column names and lines of numbers", path);
    PDESSM_TRY(pdessm_csv_decode(ctx, path, (const char *)bytes.data, size,
                                 PDESSM_DEFAULT_MAX_BYTES, &table));
    PDESSM_REQUIRE(ctx, table.name, PDESSM_ERROR_FILE,
                   "%s: the first line does not name its %lld columns; is it the log of a run?",
                   path, (long long)table.columns);
    PDESSM_TRY(turn(ctx, &table, &log));
    *ret = log;
out:
    pdessm_table_release(&table);
    pdessm_bytes_release(&bytes);
    free(path);
    return status;
}

const double *pdessm_run_log_column(const pdessm_run_log *log, const char *name) {
    for (int i = 0; i < log->columns; i++)
        if (strcmp(log->name[i], name) == 0)
            return log->value[i];
    return NULL;
}

void pdessm_run_log_release(pdessm_run_log *log) {
    free(log->name);
    free(log->value);
    *log = (pdessm_run_log){0};
}
