/* SPDX-License-Identifier: MIT */
/* map_stage.c: the first stage of preconditioned training: from here on the data is what the map
 * makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "files/atomic_dir.h"
#include "files/file.h"
#include "model/maps/map.h"
#include "run/run.h"

/* ------------------------------------------------------------------ where the map comes from */

/* Of reflow's model, or of the student where it has it by now; *ret stays NULL when it has none. */
static pdessm_status inherit(pdessm_run *run, pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *weights = NULL;
    char *own = NULL;
    if (run->checkpoint)
        PDESSM_TRY(pdessm_path_join(run->ctx, run->checkpoint, "model.safetensors", &own));
    const char *file = own ? own : run->teacher.file;
    PDESSM_TRY(pdessm_safetensors_open(run->ctx, file, &weights));
    PDESSM_TRY(pdessm_map_read(run->device, weights, file, ret));
out:
    pdessm_safetensors_destroy(&weights);
    free(own);
    return status;
}

static pdessm_status fit(pdessm_run *run, const char *state, pdessm_precondition **ret) {
    const pdessm_run_settings *s = &run->settings;
    pdessm_precondition_options o = pdessm_precondition_defaults(s->precondition);
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    o.pooled = s->precondition_pooled;
    o.epsilon = s->precondition_epsilon;
    o.steps = s->precondition_steps;
    o.seed = (uint64_t)s->seed;
    o.folder = state;
    o.progress = pdessm_run_tell_share;
    o.user = run;
    const double start = pdessm_seconds();
    pdessm_run_begin_stage(run, PDESSM_RUN_FIT, 0);
    PDESSM_TRY(pdessm_precondition_fit(run->device, run->data, &o, &map));
    pdessm_run_tell_share(run, 1);
    PDESSM_TRY(pdessm_precondition_log_fit(map, run->data, pdessm_seconds() - start));
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    return status;
}

/* The one that a resumed run has, else a new one. */
static pdessm_status find(pdessm_run *run, pdessm_precondition **ret) {
    const pdessm_run_path path = pdessm_run_at(run, "precondition.safetensors");
    const pdessm_run_path state = pdessm_run_at(run, "precondition.safetensors.parts");
    pdessm_status status = PDESSM_OK;
    if (run->settings.resume && access(path.text, F_OK) == 0) {
        PDESSM_TRY(pdessm_precondition_load(run->device, path.text, ret));
        pdessm_log(run->ctx, PDESSM_LOG_NOTE, "map: %s, from %s",
                   pdessm_precondition_name(pdessm_precondition_get_info(*ret)->kind), path.text);
    } else {
        PDESSM_TRY(fit(run, state.text, ret));
        PDESSM_TRY(pdessm_precondition_save(*ret, path.text));
    }
    /* A killed run may have left it beside a finished map. */
    PDESSM_TRY(pdessm_remove_tree(run->ctx, state.text));
out:
    return status;
}

/* ------------------------------------------------------------------ the stage */

static pdessm_status check(const pdessm_run *run) {
    const pdessm_run_settings *s = &run->settings;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(run->ctx, s->task != PDESSM_TASK_CLASSIFY, PDESSM_ERROR_ARGUMENT,
                   "--precondition is for images that are drawn, not for --task classify");
    /* Images are mapped once, before they are drawn, so nothing may change them after that. */
    PDESSM_REQUIRE(run->ctx, !s->flip && !s->shift, PDESSM_ERROR_ARGUMENT,
                   "--%s does not go with a preconditioner: images are mapped before they are "
                   "drawn, and the map of a changed image is not the changed map of the image",
                   s->flip ? "flip" : "shift");
out:
    return status;
}

static pdessm_status take_through(pdessm_run *run) {
    const pdessm_run_path folder = pdessm_run_at(run, "mapped");
    /* Only the flow of a network takes so long that a resumed run should not do it again. */
    const int kept = pdessm_precondition_get_info(run->map)->kind == PDESSM_PRECONDITION_FLOW;
    pdessm_dataset *mapped = NULL;
    pdessm_run_begin_stage(run, PDESSM_RUN_MAP, 0);
    pdessm_status status = pdessm_precondition_dataset_kept(
        run->map, run->data, kept ? folder.text : NULL, pdessm_run_tell_share, run, &mapped);
    if (status != PDESSM_OK)
        return status;
    pdessm_run_tell_share(run, 1);
    const pdessm_dataset_info *i = pdessm_dataset_get_info(mapped);
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "mapped data: %s in memory",
               pdessm_text_of_bytes(4 * i->count * i->channels * i->height * i->width).text);
    pdessm_dataset_destroy(&run->data);
    run->data = mapped;
    if (!run->settings.reflow)
        run->images = *i;
    return PDESSM_OK;
}

/* The folder is a run from here on, so that an interrupted fit can be resumed. A fit that is
 * refused leaves the folder free for another try. */
static pdessm_status fit_in_folder(pdessm_run *run) {
    const pdessm_run_path config = pdessm_run_at(run, "config.yaml");
    const int is_new = access(config.text, F_OK) != 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_run_write_settings(run));
    PDESSM_TRY(check(run));
    PDESSM_TRY(find(run, &run->map));
    PDESSM_TRY(take_through(run));
out:
    if (status != PDESSM_OK && status != PDESSM_ERROR_CANCELLED && is_new)
        unlink(config.text);
    return status;
}

pdessm_status pdessm_run_map_data(pdessm_run *run) {
    pdessm_status status = PDESSM_OK;
    if (run->settings.precondition != PDESSM_PRECONDITION_NONE)
        PDESSM_TRY(fit_in_folder(run));
    if (run->settings.reflow)
        PDESSM_TRY(inherit(run, &run->map));
    if (run->settings.reflow && run->map) {
        PDESSM_TRY(check(run));
        PDESSM_TRY(take_through(run));
    }
out:
    if (status == PDESSM_ERROR_CANCELLED || (status == PDESSM_OK && run->cancelled))
        status = pdessm_fail(run->ctx, PDESSM_ERROR_CANCELLED,
                             "interrupted before the first step; what is done is kept");
    return status;
}
