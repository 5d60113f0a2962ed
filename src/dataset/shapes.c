/* SPDX-License-Identifier: MIT */
/* shapes.c: the built-in set: ten kinds of drawn figures on a plain ground, anti-aliased.
 *
 * A figure is a signed distance (negative inside) in coordinates in which it fills about the unit
 * disc; a pixel's coverage follows from the distance of its centre. */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "dataset/source.h"

typedef struct point {
    float x, y;
} point;

static float length(float x, float y) {
    return sqrtf(x * x + y * y);
}

static float disc_distance(point p, float x, float y, float radius) {
    return length(p.x - x, p.y - y) - radius;
}

static float box_distance(point p, float half_width, float half_height) {
    float x = fabsf(p.x) - half_width, y = fabsf(p.y) - half_height;
    return length(fmaxf(x, 0), fmaxf(y, 0)) + fminf(fmaxf(x, y), 0);
}

/* A polygon whose corners lie at equal angles, at radius 1 and `inner` in turn. */
static float polygon_distance(point p, int corners, float inner) {
    const float turn = 6.2831853f / (float)corners;
    float nearest = INFINITY;
    int inside = 0;
    point a = {inner * sinf(-turn), -inner * cosf(-turn)}; /* the last corner */
    for (int i = 0; i < corners; i++) {
        float radius = i & 1 ? inner : 1;
        point b = {radius * sinf(turn * (float)i), -radius * cosf(turn * (float)i)};
        float ex = b.x - a.x, ey = b.y - a.y, px = p.x - a.x, py = p.y - a.y;
        float along = fminf(fmaxf((px * ex + py * ey) / (ex * ex + ey * ey), 0), 1);
        nearest = fminf(nearest, length(px - along * ex, py - along * ey));
        if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + ex * (p.y - a.y) / ey)
            inside = !inside;
        a = b;
    }
    return inside ? -nearest : nearest;
}

static float disc(point p) {
    return disc_distance(p, 0, 0, 0.9f);
}

static float ring(point p) {
    return fmaxf(disc_distance(p, 0, 0, 1), -disc_distance(p, 0, 0, 0.6f));
}

static float square(point p) {
    return box_distance(p, 0.75f, 0.75f);
}

static float frame(point p) {
    return fmaxf(box_distance(p, 0.8f, 0.8f), -box_distance(p, 0.5f, 0.5f));
}

static float triangle(point p) {
    /* Six corners, every second one on the middle of a side: cos 60 degrees. */
    return polygon_distance(p, 6, 0.5f);
}

static float star(point p) {
    return polygon_distance(p, 10, 0.42f);
}

static float cross(point p) {
    return fminf(box_distance(p, 1, 0.3f), box_distance(p, 0.3f, 1));
}

static float bar(point p) {
    return box_distance(p, 1, 0.28f);
}

static float crescent(point p) {
    return fmaxf(disc_distance(p, 0, 0, 1), -disc_distance(p, 0.5f, 0, 0.8f));
}

static float heart(point p) {
    /* A square on its corner and a disc on each of its upper sides. */
    const float half = 0.7071068f, side = 0.52f;
    point q = {half * (p.x - p.y), half * (p.x + p.y)};
    point lowered = {q.x - 0.1f, q.y + 0.1f};
    return fminf(box_distance(lowered, side, side), fminf(disc_distance(lowered, side, 0, side),
                                                          disc_distance(lowered, 0, -side, side)));
}

static const struct {
    const char *name;
    float (*distance)(point p);
} figures[] = {
    {"disc", disc},         {"ring", ring},   {"square", square}, {"frame", frame},
    {"triangle", triangle}, {"star", star},   {"cross", cross},   {"bar", bar},
    {"crescent", crescent}, {"heart", heart},
};

enum { FIGURES = sizeof figures / sizeof *figures };

struct drawing {
    uint64_t seed;
    uint32_t split;
    int64_t channels, height, width;
    uint8_t *pixels; /* [n, channels, height, width] */
    int64_t *labels;
};

static float draw_number(const struct drawing *d, int64_t sample, int64_t index) {
    return (float)pdessm_uniform(d->seed, PDESSM_RANDOM_DATA, d->split, (uint32_t)sample, index);
}

/* The ground's colour is uniform; the figure's is the one of four that differs most from it, so
 * that a figure is never lost in its ground. */
static void draw_colours(const struct drawing *d, int64_t sample, float ground[3],
                         float figure[3]) {
    enum { FIRST = 4, CANDIDATES = 4 };
    float farthest = -1;
    for (int64_t c = 0; c < d->channels; c++)
        ground[c] = draw_number(d, sample, FIRST + c);
    for (int k = 0; k < CANDIDATES; k++) {
        float colour[3], distance = 0;
        for (int64_t c = 0; c < d->channels; c++) {
            colour[c] = draw_number(d, sample, FIRST + 3 * (k + 1) + c);
            distance += (colour[c] - ground[c]) * (colour[c] - ground[c]);
        }
        for (int64_t c = 0; c < d->channels && distance > farthest; c++)
            figure[c] = colour[c];
        farthest = fmaxf(farthest, distance);
    }
}

static void draw(void *argument, int64_t sample, int worker) {
    (void)worker;
    const struct drawing *d = argument;
    int64_t label = sample % FIGURES, plane = d->height * d->width;
    float ground[3], figure[3];
    float side = (float)(d->height < d->width ? d->height : d->width);
    float radius = (0.22f + 0.2f * draw_number(d, sample, 0)) * side;
    float reach = 1.15f * radius; /* of the corners of a frame, so that none is cut off */
    float y0 = reach + ((float)d->height - 2 * reach) * draw_number(d, sample, 1);
    float x0 = reach + ((float)d->width - 2 * reach) * draw_number(d, sample, 2);
    float angle = 6.2831853f * draw_number(d, sample, 3);
    float cosine = cosf(angle) / radius, sine = sinf(angle) / radius;
    uint8_t *to = d->pixels + sample * d->channels * plane;
    draw_colours(d, sample, ground, figure);
    for (int64_t y = 0; y < d->height; y++)
        for (int64_t x = 0; x < d->width; x++, to++) {
            float dy = (float)y + 0.5f - y0, dx = (float)x + 0.5f - x0;
            point p = {cosine * dx + sine * dy, cosine * dy - sine * dx};
            float distance = radius * figures[label].distance(p); /* in pixels */
            float cover = fminf(fmaxf(0.5f - distance, 0), 1);
            for (int64_t c = 0; c < d->channels; c++)
                to[c * plane] =
                    (uint8_t)(255 * (ground[c] + cover * (figure[c] - ground[c])) + 0.5f);
        }
    d->labels[sample] = label;
}

static pdessm_status check(pdessm_context *ctx, const pdessm_dataset_options *options,
                           const struct drawing *d, int64_t count) {
    const int64_t dims[] = {count, d->channels, d->height, d->width};
    int64_t total = pdessm_extent_product(4, dims, 1);
    if (d->channels != 1 && d->channels != 3)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "shapes: %lld channels; 1 or 3 are drawn",
                           (long long)d->channels);
    if (count > UINT32_MAX || total < 0 || total > options->max_bytes)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "shapes: %lld images of %lld x %lld pixels need more memory than the "
                           "limit of %lld bytes; give a smaller --image-size or --limit",
                           (long long)count, (long long)d->height, (long long)d->width,
                           (long long)options->max_bytes);
    return PDESSM_OK;
}

pdessm_status pdessm_source_shapes(pdessm_context *ctx, const pdessm_dataset_options *options,
                                   pdessm_source *ret) {
    enum { COUNT = 20000, SIDE = 32 };
    pdessm_status status;
    const char *names[FIGURES];
    int64_t count = options->limit > 0 ? options->limit : COUNT;
    struct drawing d = {.seed = options->seed,
                        .split = options->split == PDESSM_SPLIT_TEST,
                        .channels = options->channels > 0 ? options->channels : 3,
                        .height = options->height > 0 ? options->height : SIDE,
                        .width = options->width > 0 ? options->width : SIDE};
    PDESSM_TRY(check(ctx, options, &d, count));
    for (int i = 0; i < FIGURES; i++)
        names[i] = figures[i].name;
    PDESSM_TRY(pdessm_source_set_names(ctx, ret, names, FIGURES));
    ret->layout = PDESSM_LAYOUT_NCHW;
    ret->images =
        (pdessm_array){PDESSM_ARRAY_UINT8, 4, {count, d.channels, d.height, d.width}, NULL};
    ret->labels = (pdessm_array){PDESSM_ARRAY_INT64, 1, {count}, NULL};
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, (size_t)(d.channels * d.height * d.width),
                            &ret->images.data));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof(int64_t), &ret->labels.data));
    d.pixels = ret->images.data;
    d.labels = ret->labels.data;
    pdessm_parallel(ctx->pool, count, draw, &d);
out:
    return status;
}
