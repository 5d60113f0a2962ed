/* SPDX-License-Identifier: MIT */
/* example_train.c: trains a small model in a program of yours. Called again with the same folder it
 * resumes; what it writes is what pdessm-cl train writes, so `pdessm-cl report FOLDER` shows it.
 *
 *   cc example_train.c $(pkg-config --cflags --libs pdessm) -o example_train
 *   ./example_train FOLDER 20 */
#include <stdio.h>
#include <stdlib.h>

#include <pdessm/run.h>

static void print_message(void *user, pdessm_log_level level, const char *text) {
    (void)user;
    fprintf(stderr, "%s%s\n", level == PDESSM_LOG_WARNING ? "warning: " : "", text);
}

/* Nonzero would end the run, saved. */
static int print_progress(void *user, const pdessm_run_progress *progress) {
    (void)user;
    if (progress->stage == PDESSM_RUN_TRAIN)
        fprintf(stderr, "step %lld of %lld, loss %g\n", (long long)progress->done,
                (long long)progress->total, progress->loss);
    return 0;
}

static pdessm_run_settings choose_settings(const char *folder, int64_t steps) {
    pdessm_run_settings s = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    s.data = "shapes"; /* drawn by the library; or a path */
    s.limit = 64;
    s.model = "pde-nano/8";
    s.width = 32;
    s.depth = 2;
    s.batch = 4;
    s.warmup = 5;
    s.steps = steps;
    s.log_every = 5;
    s.sample_every = 0; /* no pictures on the way */
    s.out = folder;
    return s;
}

/* The run in that folder, or a new one. */
static pdessm_status open_run(pdessm_device *device, const pdessm_run_settings *settings,
                              pdessm_run **ret) {
    const pdessm_run_watcher watcher = {print_progress, NULL};
    char config[4096];
    snprintf(config, sizeof config, "%s/config.yaml", settings->out);
    FILE *earlier = fopen(config, "r");
    if (!earlier)
        return pdessm_run_open(device, settings, &watcher, ret);
    fclose(earlier);
    return pdessm_run_resume(device, settings->out, &watcher, ret);
}

static pdessm_status print_losses(pdessm_context *ctx, const char *folder) {
    pdessm_run_log log = {0};
    pdessm_status status = pdessm_run_log_read(ctx, folder, "log.csv", &log);
    const double *step = pdessm_run_log_column(&log, "step");
    const double *loss = pdessm_run_log_column(&log, "loss");
    for (int64_t i = 0; i < log.rows && step && loss; i++)
        printf("step %g: loss %g\n", step[i], loss[i]);
    pdessm_run_log_release(&log);
    return status;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "run";
    const pdessm_run_settings settings = choose_settings(folder, argc > 2 ? atoll(argv[2]) : 20);
    const pdessm_context_options options = {.log = print_message};
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    pdessm_run *run = NULL;
    pdessm_status status = pdessm_context_create(&options, &ctx);
    if (status == PDESSM_OK)
        status = pdessm_device_open(ctx, NULL, &device);
    if (status == PDESSM_OK)
        status = open_run(device, &settings, &run);
    if (status == PDESSM_OK)
        status = pdessm_run_step_until(run, settings.steps);
    if (status == PDESSM_OK)
        printf("%s\n", pdessm_run_get_result(run)->checkpoint);
    if (status == PDESSM_OK)
        status = print_losses(ctx, folder);
    if (status != PDESSM_OK)
        fprintf(stderr, "example_train: %s: %s\n", pdessm_status_text(status),
                ctx ? pdessm_context_error(ctx) : "no context");
    pdessm_run_destroy(&run);
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
    return pdessm_status_exit_code(status);
}
