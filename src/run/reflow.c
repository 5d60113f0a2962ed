/* SPDX-License-Identifier: MIT */
/* reflow.c: draws the pairs that reflow trains on. */
#include "reflow.h"

#include <stdio.h>
#include <unistd.h>

#include "shared/interrupt.h"
#include "shared/paths.h"
#include "shared/progress.h"

typedef struct drawing {
    cli *c;
    const pdessm_run_settings *settings;
    cli_progress bar;
} drawing;

static int show(void *user, double share) {
    drawing *d = user;
    char detail[64];
    snprintf(detail, sizeof detail, "%lld of %lld images",
             (long long)(share * (double)d->settings->reflow_pairs),
             (long long)d->settings->reflow_pairs);
    pdessm_cli_progress_update(&d->bar, share, detail);
    return pdessm_cli_interrupted();
}

static pdessm_status draw(cli *c, const pdessm_run_settings *s, const char *folder,
                          const char *path, pdessm_model *model) {
    drawing d = {.c = c, .settings = s};
    pdessm_sample_options options = pdessm_run_settings_reflow_options(s);
    options.progress = show;
    options.user = &d;
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&d.bar, c, "pairs", 0);
    pdessm_status status = pdessm_pairs_draw(model, &options, s->reflow_pairs, path);
    pdessm_cli_progress_end(&d.bar);
    if (status == PDESSM_ERROR_CANCELLED)
        status = pdessm_fail(c->ctx, status,
                             "interrupted while drawing pairs; what is done is kept, go on with "
                             "`pdessm-cl train --resume %s`",
                             folder);
    return status;
}

pdessm_status pdessm_cli_reflow(cli *c, const pdessm_run_settings *s, const char *folder,
                                const char *checkpoint, cli_reflow *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    cli_reflow r = {.pairs = pdessm_cli_text(c, "%s/pairs.safetensors", folder)};
    const int drawn = checkpoint && access(r.pairs, F_OK) == 0;
    if (!drawn)
        PDESSM_TRY(pdessm_cli_find_model(c, s->reflow, &r.file));
    const char *file = drawn ? pdessm_cli_text(c, "%s/model.safetensors", checkpoint) : r.file;
    PDESSM_TRY(pdessm_model_load(c->device, file, 0, &model));
    PDESSM_TRY(pdessm_cli_expect_task(c, model, file, PDESSM_TASK_VELOCITY));
    r.config = *pdessm_model_get_config(model);
    r.class_names = pdessm_cli_class_names(c, file, r.config.num_classes);
    if (!drawn)
        PDESSM_TRY(draw(c, s, folder, r.pairs, model));
    *ret = r;
out:
    pdessm_model_destroy(&model);
    return status;
}
