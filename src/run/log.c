/* SPDX-License-Identifier: MIT */
/* log.c: the logs of a run. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "files/file.h"

#define COLUMNS "step,loss,learning_rate,gradient_norm,images_per_second,wall_seconds,memory_bytes"
static const char log_head[] = COLUMNS "\n", level_head[] = COLUMNS ",level,step_flops\n";
static const char accuracy_head[] = "step,test_accuracy\n";

static pdessm_status write_text(cli_train_log *log, const char *text, size_t size) {
    while (size > 0) {
        ssize_t written = write(log->descriptor, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return pdessm_fail_io(log->c->ctx, log->path, "write", errno, (int64_t)size);
        text += written;
        size -= (size_t)written;
    }
    return PDESSM_OK;
}

/* Bytes of the head and of the whole lines up to step `keep`; 0 when the head is not ours. */
static size_t find_end(cli_train_log *log, const char *text, int64_t keep) {
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

static pdessm_status cut(cli_train_log *log, int64_t keep) {
    pdessm_status status = PDESSM_OK;
    char *text = NULL;
    pdessm_bytes bytes = {0};
    off_t size = lseek(log->descriptor, 0, SEEK_END);
    if (size == 0)
        return write_text(log, log->head, strlen(log->head));
    PDESSM_TRY(pdessm_bytes_open(log->c->ctx, log->path, &bytes));
    PDESSM_TRY(pdessm_alloc(log->c->ctx, bytes.size + 1, 1, &text));
    memcpy(text, bytes.data, bytes.size);
    size_t end = find_end(log, text, keep);
    PDESSM_REQUIRE(log->c->ctx, end > 0, PDESSM_ERROR_FILE,
                   "%s: the first line is not that of a training log; move the file away",
                   log->path);
    if (ftruncate(log->descriptor, (off_t)end) != 0 ||
        lseek(log->descriptor, 0, SEEK_END) != (off_t)end)
        status = pdessm_fail_io(log->c->ctx, log->path, "truncate", errno, -1);
out:
    pdessm_bytes_release(&bytes);
    free(text);
    return status;
}

static pdessm_status open_log(cli_train_log log, int64_t keep, cli_train_log *ret) {
    cli *c = log.c;
    const char *path = log.path;
    pdessm_status status = PDESSM_OK;
    log.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (log.descriptor < 0)
        return pdessm_fail_io(c->ctx, path, "open", errno, -1);
    PDESSM_REQUIRE(c->ctx, flock(log.descriptor, LOCK_EX | LOCK_NB) == 0, PDESSM_ERROR_FAILED,
                   "%s: another process trains in this folder; wait for it or use another --out",
                   path);
    PDESSM_TRY(cut(&log, keep));
    *ret = log;
    log.descriptor = -1;
out:
    pdessm_cli_train_log_close(&log);
    return status;
}

pdessm_status pdessm_cli_train_log_open(cli *c, const char *path, int64_t keep, int levels,
                                        cli_train_log *ret) {
    return open_log((cli_train_log){.c = c,
                                    .path = path,
                                    .head = levels ? level_head : log_head,
                                    .numbers = 3,
                                    .last_step = -1},
                    keep, ret);
}

pdessm_status pdessm_cli_accuracy_log_open(cli *c, const char *path, int64_t keep,
                                           cli_train_log *ret) {
    return open_log(
        (cli_train_log){.c = c, .path = path, .head = accuracy_head, .numbers = 2, .last_step = -1},
        keep, ret);
}

pdessm_status pdessm_cli_accuracy_log_append(cli_train_log *log, int64_t step, double accuracy) {
    char text[64];
    int size = snprintf(text, sizeof text, "%" PRId64 ",%.6g\n", step, accuracy);
    log->last_step = step;
    log->last_value = accuracy;
    return write_text(log, text, (size_t)size);
}

pdessm_status pdessm_cli_train_log_append(cli_train_log *log, const cli_log_line *line) {
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

void pdessm_cli_train_log_close(cli_train_log *log) {
    if (log->c && log->descriptor >= 0)
        close(log->descriptor);
    log->descriptor = -1;
}
