/* SPDX-License-Identifier: MIT */
/* cases.c: the shapes that stand for the presets: width 384, token grids 16, 32, 64. */
#include "tune.h"

enum { CHANNELS = 384 };

/* Batch 0: images so that the filter's input takes 25 MB. */
static const struct shape {
    pdessm_op op;
    pdessm_case_size size;
} points[] = {
#define SIZE(...)                                                                                  \
    { PDESSM_CASE_NETWORK, __VA_ARGS__ }
    {PDESSM_OP_spectral_filter, SIZE(0, 16, 16, CHANNELS)}, /* 32 x 32 images, patches of 2 */
    {PDESSM_OP_spectral_filter, SIZE(0, 32, 32, CHANNELS)}, /* 64 x 64 */
    {PDESSM_OP_spectral_filter, SIZE(0, 64, 64, CHANNELS)}, /* 128 x 128 */
    {PDESSM_OP_linear, SIZE(2048, 1, 1, 384, 384)},         /* the mixer's projections */
    {PDESSM_OP_linear, SIZE(2048, 1, 1, 384, 1536)},        /* the first layer behind the mixer */
    {PDESSM_OP_linear, SIZE(2048, 1, 1, 1536, 384)},        /* the second */
    {PDESSM_OP_linear, SIZE(16, 1, 1, 384, 2304)},          /* modulation: a row for each image */
    {PDESSM_OP_attention, SIZE(4, 16, 16, CHANNELS)},
    {PDESSM_OP_attention, SIZE(4, 32, 32, CHANNELS)},
#undef SIZE
};

int pdessm_cli_tune_cases(void) {
    return (int)(sizeof points / sizeof *points);
}

pdessm_op pdessm_cli_tune_op(int i) {
    return points[i].op;
}

/* Images so that u takes 25 MB, as in `bench`; on a GPU four times that, which no cache holds. */
static int64_t batch_for(const pdessm_device *device, int64_t floats_of_one) {
    const pdessm_device_info *info = &device->info;
    int gpu = info->kind == PDESSM_DEVICE_GPU || info->kind == PDESSM_DEVICE_INTEGRATED_GPU;
    int64_t floats = (gpu ? 4 : 1) * ((int64_t)6 << 20), most = info->largest_allocation / 16;
    floats = floats < most ? floats : most;
    return floats / floats_of_one > 1 ? floats / floats_of_one : 1;
}

pdessm_status pdessm_cli_tune_case(pdessm_device *device, int i, cli_tune_case *ret) {
    pdessm_case_size size = points[i].size;
    pdessm_status status = PDESSM_OK;
    cli_tune_case k = {.call = pdessm_opcall_begin(device, points[i].op)};
    if (size.batch == 0)
        size.batch = batch_for(device, size.height * size.width * size.channels);
    pdessm_case_draw(points[i].op, &size, 1, &k.numbers);
    PDESSM_TRY(pdessm_case_operands(&k.numbers, &k.call));
    PDESSM_TRY(pdessm_case_gradients(&k.numbers, &k.call));
    *ret = k;
    return PDESSM_OK;
out:
    pdessm_opcall_end(&k.call);
    return status;
}
