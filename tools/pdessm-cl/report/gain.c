/* SPDX-License-Identifier: MIT */
/* gain.c: what a spectral mixer does to each wavenumber: |G| over rings. */
#include <math.h>
#include <stdlib.h>

#include "kernels.h"

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Root mean square of |G| over the modes of each ring, for one channel. Columns but the first and
 * the Nyquist one stand for two modes. Corners beyond the last ring are left out. */
static void ring_gains(const pdessm_mixer_kernel *k, int64_t channel, int64_t rings, double *ret) {
    int64_t half = k->width / 2 + 1;
    double modes[rings];
    for (int64_t i = 0; i < rings; i++)
        ret[i] = modes[i] = 0;
    for (int64_t n = 0; n < k->height; n++)
        for (int64_t m = 0; m < half; m++) {
            double my = (double)(2 * n > k->height ? n - k->height : n);
            const float *g = k->symbol + 2 * ((n * half + m) * k->channels + channel);
            int64_t ring = llround(hypot(my, (double)m));
            double twice = m == 0 || 2 * m == k->width ? 1 : 2;
            if (ring >= rings)
                continue;
            ret[ring] += twice * ((double)g[0] * (double)g[0] + (double)g[1] * (double)g[1]);
            modes[ring] += twice;
        }
    for (int64_t i = 0; i < rings; i++)
        ret[i] = sqrt(ret[i] / modes[i]);
}

pdessm_status pdessm_cli_report_gain(report *r, const pdessm_mixer_kernel *k) {
    int64_t rings = (k->height < k->width ? k->height : k->width) / 2 + 1, n = k->channels;
    double *gain = NULL, *one = NULL, *ring = NULL, *quantile[3] = {NULL};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)(rings * n), sizeof *gain, &gain));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)(n > rings ? n : rings), sizeof *one, &one));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)rings, sizeof *ring, &ring));
    for (int q = 0; q < 3; q++)
        PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)rings, sizeof *quantile[q], &quantile[q]));
    for (int64_t c = 0; c < n; c++)
        ring_gains(k, c, rings, gain + c * rings);
    for (int64_t i = 0; i < rings; i++) {
        for (int64_t c = 0; c < n; c++)
            one[c] = gain[c * rings + i];
        qsort(one, (size_t)n, sizeof *one, by_size);
        ring[i] = (double)i;
        for (int q = 0; q < 3; q++)
            quantile[q][i] = one[(n - 1) * (1 + 4 * q) / 10];
    }
    pdessm_cli_chart_print(&(cli_chart){.title = "Gain |G|, by channel",
                                        .x_title = "wavenumber",
                                        .y_title = "gain",
                                        .y_axis = CHART_FROM_ZERO,
                                        .width = 290,
                                        .height = 282,
                                        .series = 3,
                                        .one = {{"90 %", 2, CHART_THIN, rings, ring, quantile[2]},
                                                {"median", 2, CHART_LINE, rings, ring, quantile[1]},
                                                {"10 %", 2, CHART_THIN, rings, ring, quantile[0]}}},
                           r->page.f);
out:
    free(gain);
    free(one);
    free(ring);
    for (int q = 0; q < 3; q++)
        free(quantile[q]);
    return status;
}
