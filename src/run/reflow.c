/* SPDX-License-Identifier: MIT */
/* reflow.c: pairs of noise and image that a model makes, as the data of its student. */
#include <stdlib.h>
#include <unistd.h>

#include "files/file.h"
#include "run/run.h"
#include "run/settings.h"

static pdessm_status draw(pdessm_run *run, pdessm_model *model, const char *path) {
    const int64_t pairs = run->settings.reflow_pairs;
    pdessm_sample_options options = pdessm_run_settings_reflow_options(&run->settings);
    options.progress = pdessm_run_tell_share;
    options.user = run;
    pdessm_run_begin_stage(run, PDESSM_RUN_PAIRS, pairs);
    pdessm_status status = pdessm_pairs_draw(model, &options, pairs, path);
    if (status == PDESSM_ERROR_CANCELLED)
        return pdessm_fail(run->ctx, status,
                           "interrupted while drawing pairs; what is done is kept");
    if (status == PDESSM_OK)
        pdessm_run_tell_share(run, 1);
    return status;
}

pdessm_status pdessm_run_draw_pairs(pdessm_run *run) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    char *own = NULL, *file = NULL;
    const pdessm_run_path pairs = pdessm_run_at(run, "pairs.safetensors");
    const int drawn = run->checkpoint && access(pairs.text, F_OK) == 0;
    if (drawn)
        PDESSM_TRY(pdessm_path_join(run->ctx, run->checkpoint, "model.safetensors", &own));
    PDESSM_TRY(pdessm_run_load_model(run->device, drawn ? own : run->settings.reflow,
                                     PDESSM_TASK_VELOCITY, &file, &model));
    run->teacher.config = *pdessm_model_get_config(model);
    PDESSM_TRY(pdessm_run_read_class_names(run->ctx, file, run->teacher.config.num_classes,
                                           &run->teacher.class_names));
    if (!drawn) {
        PDESSM_TRY(draw(run, model, pairs.text));
        run->teacher.file = file;
        file = NULL;
    }
out:
    pdessm_model_destroy(&model);
    free(file);
    free(own);
    return status;
}
