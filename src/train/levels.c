/* SPDX-License-Identifier: MIT */
/* levels.c: which levels a step trains at, with which images and signs. All of it follows
 * from the options and the number of the step, so resuming from a checkpoint needs no other state.
 */
#include <inttypes.h>
#include <stdio.h>

#include "train/trainer.h"

int pdessm_level_at(const pdessm_train_options *o, int64_t step, int64_t *ret_first) {
    int level = o->resolution == PDESSM_RESOLUTION_COARSE_TO_FINE ? o->levels - 1 : 0;
    int64_t first = 0;
    for (; level > 0 && step - first >= o->level_steps[level]; level--)
        first += o->level_steps[level];
    *ret_first = first;
    return level;
}

/* A level of MGE has a difference of 2^(l-1) batch images and a mean of twice as many: one run, and
 * two of the same tape. */
int pdessm_level_batch(const pdessm_train_options *o, int level) {
    return o->batch << (o->resolution == PDESSM_RESOLUTION_MGE && level > 0 ? level - 1 : level);
}

int pdessm_level_largest_batch(const pdessm_train_options *o) {
    return pdessm_level_batch(o, o->resolution == PDESSM_RESOLUTION_FULL ? 0 : o->levels - 1);
}

/* Images of a pass of accumulation whose finest level is `level`. */
static int64_t images_of_pass(const pdessm_train_options *o, int level) {
    return o->resolution == PDESSM_RESOLUTION_MGE ? ((INT64_C(1) << o->levels) - 1) * o->batch
                                                  : pdessm_level_batch(o, level);
}

int64_t pdessm_level_images(const pdessm_train_options *o, int64_t step) {
    int64_t images = 0, first;
    int level = pdessm_level_at(o, step, &first);
    images += (step - first) * images_of_pass(o, level);
    for (int coarser = level + 1; first > 0 && coarser < o->levels; coarser++)
        images += o->level_steps[coarser] * images_of_pass(o, coarser);
    return images * o->accumulate;
}

/* mean_{B_l}[grad L_l - grad L_{l+1}] for each level, the last without a coarser one. */
static int runs_of_mge(const pdessm_train_options *o, int64_t first, pdessm_trainer_pass *ret) {
    const double whole = 1.0 / o->accumulate;
    int n = 0;
    for (int l = 0; l < o->levels; l++) {
        const int64_t images = (int64_t)o->batch << l, batch = pdessm_level_batch(o, l);
        for (int64_t i = 0; i < images; i += batch)
            ret[n++] = (pdessm_trainer_pass){l, first + i, whole * (double)batch / (double)images};
        if (l + 1 < o->levels)
            ret[n++] = (pdessm_trainer_pass){l + 1, first, -whole};
        first += images;
    }
    return n;
}

int pdessm_level_runs(const pdessm_train_options *o, int64_t step, int micro,
                      pdessm_trainer_pass ret[PDESSM_MOST_RUNS]) {
    int64_t since;
    const int level = pdessm_level_at(o, step, &since);
    const int64_t first = micro * images_of_pass(o, level);
    if (o->resolution == PDESSM_RESOLUTION_MGE)
        return runs_of_mge(o, first, ret);
    ret[0] = (pdessm_trainer_pass){level, first, 1.0 / o->accumulate};
    return 1;
}

int pdessm_trainer_level(const pdessm_trainer *trainer) {
    int64_t first;
    return pdessm_level_at(&trainer->options, trainer->step > 0 ? trainer->step - 1 : 0, &first);
}

int64_t pdessm_trainer_image_count(const pdessm_trainer *trainer) {
    return pdessm_level_images(&trainer->options, trainer->step);
}

void pdessm_level_text(const pdessm_train_options *o, size_t size, char *ret) {
    static const char *const names[] = {"full", "coarse-to-fine", "mge"};
    size_t used = (size_t)snprintf(ret, size, "%s", names[o->resolution]);
    if (o->resolution != PDESSM_RESOLUTION_FULL)
        used += (size_t)snprintf(ret + used, size - used, ", %d levels", o->levels);
    if (o->resolution == PDESSM_RESOLUTION_COARSE_TO_FINE)
        for (int l = o->levels - 1; l > 0 && used < size; l--)
            used +=
                (size_t)snprintf(ret + used, size - used, ", %" PRId64 " steps", o->level_steps[l]);
}

/* ------------------------------------------------------------------ what fits */

static pdessm_status check_extents(pdessm_context *ctx, const pdessm_config *c, int levels) {
    static const char *const axis[] = {"height", "width"};
    pdessm_status status = PDESSM_OK;
    const int unit = c->patch << (levels - 1);
    for (int i = 0; i < 2; i++) {
        const int side = c->image_size[i];
        int fit = 1;
        while (fit < levels && side % (c->patch << fit) == 0)
            fit++;
        PDESSM_REQUIRE(ctx, side % unit == 0, PDESSM_ERROR_ARGUMENT,
                       "multiscale: the %s %d, halved %d times, is not a multiple of the patch %d; "
                       "expected at most %d levels, or images whose %s is a multiple of %d, such "
                       "as %d (pad or resize them)",
                       axis[i], side, levels - 1, c->patch, fit, axis[i], unit,
                       (side + unit - 1) / unit * unit);
    }
out:
    return status;
}

static pdessm_status check_network(pdessm_context *ctx, const pdessm_config *c,
                                   const pdessm_train_options *o) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, c->task == PDESSM_TASK_VELOCITY, PDESSM_ERROR_ARGUMENT,
                   "multiscale: a classifier is trained at one resolution; expected task velocity");
    PDESSM_REQUIRE(ctx, c->mixer != PDESSM_MIXER_FILTER, PDESSM_ERROR_ARGUMENT,
                   "multiscale: a free filter belongs to one token grid; expected a network with "
                   "the mixer pde, attn or conv");
    PDESSM_TRY(check_extents(ctx, c, o->levels));
out:
    return status;
}

pdessm_status pdessm_level_check(pdessm_context *ctx, const pdessm_config *c,
                                 const pdessm_train_options *o) {
    pdessm_status status = PDESSM_OK;
    const int several = o->resolution != PDESSM_RESOLUTION_FULL;
    PDESSM_REQUIRE(ctx, o->resolution <= PDESSM_RESOLUTION_MGE, PDESSM_ERROR_ARGUMENT,
                   "multiscale: there is no method %d", (int)o->resolution);
    PDESSM_REQUIRE(ctx,
                   several ? o->levels >= 2 && o->levels <= PDESSM_MOST_LEVELS : o->levels == 1,
                   PDESSM_ERROR_ARGUMENT, "multiscale: %d levels, expected %s", o->levels,
                   several ? "2 to 8, the full resolution among them" : "1 without a method");
    if (!several)
        return PDESSM_OK;
    PDESSM_REQUIRE(ctx, (int64_t)o->batch << o->levels <= 1 << 20, PDESSM_ERROR_ARGUMENT,
                   "multiscale: batch %d, doubled from level to level, is too large at level %d; "
                   "expected less than 2^20 images there",
                   o->batch, o->levels - 1);
    PDESSM_REQUIRE(ctx, o->coupling != PDESSM_COUPLING_OT || o->resolution != PDESSM_RESOLUTION_MGE,
                   PDESSM_ERROR_ARGUMENT,
                   "multiscale: both terms of a difference need the same noise, which a transport "
                   "within batches of two sizes does not give; expected another coupling, or "
                   "coarse-to-fine");
    for (int l = 1; l < o->levels && o->resolution == PDESSM_RESOLUTION_COARSE_TO_FINE; l++)
        PDESSM_REQUIRE(ctx, o->level_steps[l] >= 0 && o->level_steps[l] <= INT64_C(4000000000),
                       PDESSM_ERROR_ARGUMENT,
                       "multiscale: %" PRId64 " steps at level %d, expected 0 to 4e9",
                       o->level_steps[l], l);
    PDESSM_TRY(check_network(ctx, c, o));
out:
    return status;
}
