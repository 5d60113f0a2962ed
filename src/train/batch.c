/* SPDX-License-Identifier: MIT */
/* batch.c: which images a step sees, at which times, under which labels. All of it is drawn by
 * counter from (seed, step, place in the step), so resuming from a checkpoint needs no other state.
 */
#include <math.h>

#include "dataset/augment.h"
#include "train/trainer.h"

/* Fisher-Yates with numbers of (seed, epoch). */
static void shuffle(pdessm_trainer *t, int64_t epoch) {
    int64_t n = pdessm_dataset_get_info(t->data)->count;
    for (int64_t i = 0; i < n; i++)
        t->order[i] = (uint32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = pdessm_below(t->options.seed, PDESSM_RANDOM_ORDER, (uint32_t)epoch, 0, i,
                                 (uint64_t)i + 1);
        uint32_t swapped = t->order[i];
        t->order[i] = t->order[k];
        t->order[k] = swapped;
    }
    t->order_epoch = epoch;
}

/* Image number `position` of the endless stream of shuffled epochs. */
static int64_t image_at(pdessm_trainer *t, int64_t position) {
    int64_t n = pdessm_dataset_get_info(t->data)->count;
    if (position / n != t->order_epoch)
        shuffle(t, position / n);
    return t->order[position % n];
}

static float draw_time(const pdessm_train_options *o, uint32_t step, uint32_t place) {
    if (o->time_law == PDESSM_TIME_UNIFORM)
        return (float)pdessm_uniform(o->seed, PDESSM_RANDOM_TIME, step, place, 0);
    return (float)(1 / (1 + exp(-pdessm_normal(o->seed, PDESSM_RANDOM_TIME, step, place, 0))));
}

/* Numbers 0 of the stream decide on the mirror, 4 to 7 on the shift. */
static void augment(const pdessm_train_options *o, const pdessm_dataset_info *info, uint32_t step,
                    uint32_t place, float *image) {
    const pdessm_image_extent extent = {info->channels, info->height, info->width};
    const uint64_t ways = 2 * (uint64_t)o->shift + 1;
    if (o->flip && pdessm_uniform(o->seed, PDESSM_RANDOM_AUGMENT, step, place, 0) < 0.5)
        pdessm_augment_mirror(image, extent);
    if (o->shift) {
        int64_t dy = pdessm_below(o->seed, PDESSM_RANDOM_AUGMENT, step, place, 2, ways);
        int64_t dx = pdessm_below(o->seed, PDESSM_RANDOM_AUGMENT, step, place, 3, ways);
        /* Black, or what latents are padded with. */
        pdessm_augment_shift(image, extent, dy - o->shift, dx - o->shift, info->is_float ? 0 : -1);
    }
}

/* A flow learns some images without their class, a classifier none. */
static int32_t draw_label(const pdessm_trainer *t, int64_t index, uint32_t step, uint32_t place) {
    const pdessm_train_options *o = &t->options;
    int32_t label = pdessm_dataset_label(t->data, index);
    int dropped = !pdessm_trainer_classifies(t) &&
                  pdessm_uniform(o->seed, PDESSM_RANDOM_LABEL, step, place, 0) < o->label_dropout;
    return dropped || label < 0 ? t->model->config.num_classes : label;
}

void pdessm_trainer_draw_batch(pdessm_trainer *t, int64_t first, int n) {
    const pdessm_train_options *o = &t->options;
    const pdessm_dataset_info *info = pdessm_dataset_get_info(t->data);
    const int64_t pixels = info->channels * info->height * info->width;
    const int64_t seen = pdessm_level_images(o, t->step);
    const uint32_t step = (uint32_t)t->step;
    for (int i = 0; i < n; i++) {
        const uint32_t place = (uint32_t)(first + i);
        int64_t index = image_at(t, seen + first + i);
        float *image = t->images + i * pixels;
        pdessm_dataset_image(t->data, index, image);
        t->indices[i] = index;
        augment(o, info, step, place, image);
        t->times[i] = draw_time(o, step, place);
        t->labels[i] = draw_label(t, index, step, place);
    }
}
