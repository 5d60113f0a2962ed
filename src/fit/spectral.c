/* SPDX-License-Identifier: MIT */
/* spectral.c: the mean power of every wave, class by class. The power comes out of the
 * backward pass of spectral_filter, on any device: with the symbol 1 and L = mean y^2 over n
 * numbers, dL/dG(k) = 2/n sum_batch |U(k)|^2 / (H W), inner columns of the half plane counted
 * twice. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/fit.h"
#include "tape/tape.h"

typedef struct meter {
    const pdessm_fit_job *job;
    int64_t batch, height, width, channels, modes; /* of the half plane */
    int64_t lines; /* batch channels: images stand beside each other as channels of one */
    pdessm_tape *tape;
    pdessm_tensor *u, *zero, *loss, *symbol, *gradient;
    float *images, *planar, *values; /* [H, W, B C]; one image [C, H, W]; like the symbol */
    double *mean, *power;            /* [C, H, W]; [modes, C] */
} meter;

static pdessm_status open(meter *m) {
    pdessm_status status = PDESSM_OK;
    const int64_t image[] = {1, m->height, m->width, m->lines};
    const int64_t symbol[] = {m->height, m->width / 2 + 1, m->lines, 2};
    const size_t numbers = (size_t)(m->batch * m->job->pixels);
    pdessm_device *device = m->job->device;
    pdessm_context *ctx = m->job->ctx;
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 4, symbol, &m->symbol));
    PDESSM_TRY(pdessm_tensor_create(device, PDESSM_FLOAT32, 4, symbol, &m->gradient));
    PDESSM_TRY(pdessm_tape_create(device, &m->tape));
    m->u = pdessm_tape_input(m->tape, PDESSM_FLOAT32, 4, image);
    m->zero = pdessm_tape_input(m->tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *g = pdessm_tape_parameter(m->tape, m->symbol, m->gradient);
    m->loss = pdessm_mse_loss(m->tape, pdessm_spectral_filter(m->tape, m->u, g), m->zero);
    PDESSM_TRY(pdessm_tape_plan(m->tape, m->loss));
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *m->images, &m->images));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)m->job->pixels, sizeof *m->planar, &m->planar));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)m->job->pixels, sizeof *m->mean, &m->mean));
    PDESSM_TRY(pdessm_alloc(ctx, 2 * (size_t)(m->modes * m->lines), sizeof *m->values, &m->values));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(m->modes * m->channels), sizeof *m->power, &m->power));
    PDESSM_TRY(pdessm_tensor_zero(m->zero));
    for (int64_t i = 0; i < m->modes * m->lines; i++)
        m->values[2 * i] = 1;
    PDESSM_TRY(pdessm_tensor_write(m->symbol, m->values));
out:
    return status;
}

static void close(meter *m) {
    pdessm_tape_destroy(&m->tape);
    pdessm_tensor_destroy(&m->symbol);
    pdessm_tensor_destroy(&m->gradient);
    free(m->images);
    free(m->planar);
    free(m->values);
    free(m->mean);
    free(m->power);
}

/* Adds n images' power, times the numbers of a batch over 2. Places behind them hold zeros. */
static pdessm_status add_batch(meter *m, int64_t first, int64_t n) {
    pdessm_status status = PDESSM_OK;
    const int64_t pixels = m->height * m->width, c = m->channels;
    memset(m->images, 0, (size_t)(m->batch * m->job->pixels) * sizeof *m->images);
    for (int64_t i = 0; i < n; i++) {
        pdessm_fit_images(m->job, first + i, 1, m->planar);
        for (int64_t k = 0; k < c; k++)
            for (int64_t p = 0; p < pixels; p++)
                m->images[p * m->lines + i * c + k] =
                    (float)((double)m->planar[k * pixels + p] - m->mean[k * pixels + p]);
    }
    PDESSM_TRY(pdessm_tensor_write(m->u, m->images));
    PDESSM_TRY(pdessm_tensor_zero(m->gradient));
    PDESSM_TRY(pdessm_tape_forward(m->tape));
    PDESSM_TRY(pdessm_tape_backward(m->tape));
    PDESSM_TRY(pdessm_tensor_read(m->gradient, m->values));
    for (int64_t i = 0; i < m->modes; i++)
        for (int64_t k = 0; k < m->lines; k++)
            m->power[i * c + k % c] += (double)m->values[2 * (i * m->lines + k)];
out:
    return status;
}

/* Mean power of one channel over the whole plane. */
static double mean_power(const meter *m, int64_t channel) {
    const int64_t half = m->width / 2 + 1;
    double sum = 0;
    for (int64_t i = 0; i < m->modes; i++) {
        const int64_t kx = i % half;
        const int twice = kx > 0 && 2 * kx < m->width;
        sum += (1 + twice) * m->power[i * m->channels + channel];
    }
    return sum / (double)(m->height * m->width);
}

static pdessm_status keep(const meter *m, int64_t label, pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    const int64_t c = m->channels, pixels = m->job->pixels;
    float *gain = pdessm_map_values(map, "gain") + label * c * m->modes;
    float *mean = pdessm_map_values(map, "mean") + label * pixels;
    for (int64_t i = 0; i < pixels; i++)
        mean[i] = (float)m->mean[i];
    for (int64_t k = 0; k < c; k++) {
        const double typical = mean_power(m, k);
        PDESSM_REQUIRE(m->job->ctx, typical > 0, PDESSM_ERROR_ARGUMENT,
                       "channel %lld of the images%s is constant: there is nothing to even out",
                       (long long)k, m->job->classes > 1 ? " of a class" : "");
        for (int64_t i = 0; i < m->modes; i++) {
            double g = 1 / sqrt(m->power[i * c + k] + map->info.epsilon * typical);
            gain[k * m->modes + i] = (float)fmin(g, map->info.max_gain / sqrt(typical));
        }
    }
out:
    return status;
}

static pdessm_status fit_class(meter *m, int64_t label, const pdessm_watch *watch,
                               pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    const pdessm_fit_job *job = m->job;
    const int64_t begin = job->first[label], end = job->first[label + 1], half = m->width / 2 + 1;
    PDESSM_TRY(pdessm_fit_mean(job, label, m->mean));
    memset(m->power, 0, (size_t)(m->modes * m->channels) * sizeof *m->power);
    for (int64_t at = begin; at < end; at += m->batch) {
        PDESSM_TRY(add_batch(m, at, end - at < m->batch ? end - at : m->batch));
        PDESSM_TRY(
            pdessm_watch_tell(job->ctx, watch, (double)(at - begin + 1) / (double)(end - begin)));
    }
    for (int64_t i = 0; i < m->modes; i++) {
        const int64_t kx = i % half;
        const int twice = kx > 0 && 2 * kx < m->width;
        for (int64_t k = 0; k < m->channels; k++)
            m->power[i * m->channels + k] *=
                0.5 * (double)(m->batch * job->pixels) / (double)(end - begin) / (1 + twice);
    }
    PDESSM_TRY(keep(m, label, map));
out:
    return status;
}

pdessm_status pdessm_fit_spectral(const pdessm_fit_job *job, const pdessm_watch *watch,
                                  pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = job->images;
    meter m = {.job = job,
               .batch = job->options->batch,
               .height = i->height,
               .width = i->width,
               .channels = i->channels,
               .modes = i->height * (i->width / 2 + 1),
               .lines = job->options->batch * i->channels};
    PDESSM_TRY(open(&m));
    for (int64_t k = 0; k < job->classes; k++) {
        const double classes = (double)job->classes;
        const pdessm_watch part =
            pdessm_watch_part(watch, (double)k / classes, (double)(k + 1) / classes);
        PDESSM_TRY(fit_class(&m, k, &part, map));
    }
out:
    close(&m);
    return status;
}
