/* SPDX-License-Identifier: MIT */
/* spectral_filter_plan.c: radices, tiles and the choices of spectral_filter's one-pass kernels. */
#include "ops/spectral_filter_plan.h"

#include <stdio.h>

enum { RADICES = 4, LARGEST_RADIX = 31, LARGEST_POINTS = 32, MOST_PARTS = 64 };
enum { PLACE, POINTS, TILE, GROUP, EXCHANGE, PARTS };
enum { LOCAL = 1, REGISTERS = 2 }; /* PLACE */
enum { HALVES = 1, WHOLE = 2 };    /* EXCHANGE */

pdessm_filter_extents pdessm_filter_extents_of(const pdessm_call *call) {
    const int64_t *d = call->operand[PDESSM_FILTER_U]->dims;
    return (pdessm_filter_extents){d[0], d[1], d[2], d[3], d[2] / 2 + 1};
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int is_cpu(const pdessm_site *site) {
    return site->info->kind == PDESSM_DEVICE_OPENCL_CPU;
}

static int64_t lanes_of(const pdessm_site *site) {
    return is_cpu(site) ? 16 : 1;
}

/* ------------------------------------------------------------------ radices */

/* 2 to 8 are written out, and 16 where a work-item's numbers are in registers anyway; other primes
 * go by the definition. */
static int is_radix(int r, int with_16) {
    return r <= 8 || (r == 16 && with_16) || (r % 2 && r % 3 && r % 5);
}

/* Splits n into at most RADICES radices, fewest first, then the most even; 0 if there is none.
 * Unused ones are 1. */
static int split(int64_t n, int with_16, int depth, int radix[RADICES]) {
    int best_count = RADICES + 1, best_sum = 0;
    if (n == 1) {
        for (int i = depth; i < RADICES; i++)
            radix[i] = 1;
        return depth <= RADICES;
    }
    for (int r = 2; r <= LARGEST_RADIX && depth < RADICES; r++) {
        int rest[RADICES] = {0}, count = 0, sum = 0;
        if (n % r || !is_radix(r, with_16) || !split(n / r, with_16, depth + 1, rest))
            continue;
        rest[depth] = r;
        for (int i = depth; i < RADICES; i++) {
            count += rest[i] > 1;
            sum += rest[i];
        }
        if (count > best_count || (count == best_count && sum >= best_sum))
            continue;
        best_count = count;
        best_sum = sum;
        for (int i = depth; i < RADICES; i++)
            radix[i] = rest[i];
    }
    return best_count <= RADICES;
}

typedef struct radices {
    int height[RADICES], width[RADICES];
} radices;

static int radices_of(const pdessm_site *site, int place, radices *ret) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    return split(e.height, place == REGISTERS, 0, ret->height) &&
           split(e.width, place == REGISTERS, 0, ret->width);
}

/* ------------------------------------------------------------------ where the plane is kept */

static int64_t gcd(int64_t a, int64_t b) {
    return b == 0 ? a : gcd(b, a % b);
}

/* The fewest complex numbers of a work-item that are whole butterflies of every stage; 0: too many
 * for its registers. */
static int64_t fewest_points(const pdessm_site *site) {
    radices r;
    int64_t points = 1;
    if (is_cpu(site) || !radices_of(site, REGISTERS, &r))
        return 0;
    for (int i = 0; i < RADICES; i++) {
        points *= r.height[i] / gcd(points, r.height[i]);
        points *= r.width[i] / gcd(points, r.width[i]);
    }
    return points <= LARGEST_POINTS ? points : 0;
}

/* Local memory that a pair (two groups of `lanes` channels) takes: in registers form what is
 * exchanged at once, else its planes. */
static int64_t local_bytes(const pdessm_site *site, int place) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    const int64_t size = (int64_t)sizeof(float);
    int back = site->call->pass == PDESSM_BACKWARD;
    int64_t pitch = is_cpu(site) ? e.width | 1 : e.width;
    if (place == REGISTERS)
        return e.height * e.width * size;
    return (back ? 2 : 1) * e.height * pitch * 2 * lanes_of(site) * size;
}

static int place_applies(const pdessm_site *site, int64_t place) {
    radices r;
    if (!site->info || !radices_of(site, (int)place, &r) ||
        local_bytes(site, (int)place) > site->info->local_memory)
        return 0;
    int64_t points = place == REGISTERS ? fewest_points(site) : 0;
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    while (points && points * 2 <= LARGEST_POINTS && e.height * e.width % (points * 2) == 0)
        points *= 2;
    return place == LOCAL || (points && e.height * e.width / points <= site->info->max_work_group);
}

/* Through registers a number crosses local memory once for each exchange, not once for each stage
 * and step, and its plane takes less room there. */
static int64_t place_standard(const pdessm_site *site) {
    return place_applies(site, REGISTERS) ? REGISTERS : LOCAL;
}

static int in_registers(const pdessm_site *site) {
    return pdessm_choose(site, PLACE) == REGISTERS;
}

/* ------------------------------------------------------------------ numbers of a work-item */

static int points_apply(const pdessm_site *site, int64_t points) {
    if (!site->info || !place_applies(site, REGISTERS) || !in_registers(site))
        return 0;
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    return points % fewest_points(site) == 0 && e.height * e.width % points == 0 &&
           e.height * e.width / points <= site->info->max_work_group;
}

/* 16 where that is possible: 32 registers, and loads enough on their way to hide their latency. */
static int64_t points_standard(const pdessm_site *site) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    int64_t least = fewest_points(site), all = e.height * e.width, points = least;
    for (int64_t p = least; least > 0 && p <= 16; p += least)
        if (all % p == 0)
            points = p;
    while (points > 0 && all / points > site->info->max_work_group &&
           points * 2 <= LARGEST_POINTS && all % (points * 2) == 0)
        points *= 2;
    return points;
}

static int64_t items_of_pair(const pdessm_site *site) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    return e.height * e.width / pdessm_choose(site, POINTS);
}

/* ------------------------------------------------------------------ pairs of a group */

static int tile_applies(const pdessm_site *site, int64_t tile) {
    if (!site->info || !place_applies(site, pdessm_choose(site, PLACE)))
        return 0;
    int registers = in_registers(site);
    return tile * local_bytes(site, registers ? REGISTERS : LOCAL) <= site->info->local_memory &&
           (!registers || tile * items_of_pair(site) <= site->info->max_work_group);
}

/* The most pairs up to 16, which are 128 bytes of a row. In registers form an item holds 64
 * numbers, 128 backwards: at most 512 and 256 items then, so that a unit's 64 K registers suffice,
 * but two pairs at least, because 16 bytes of a row are little enough
 * (docs/results/gpu-roofline.md). */
static int64_t tile_standard(const pdessm_site *site) {
    int registers = in_registers(site);
    int64_t most = site->call->pass == PDESSM_BACKWARD ? 256 : 512;
    int64_t tile = is_cpu(site) ? 1 : 16;
    while (tile > 1 && !tile_applies(site, tile))
        tile /= 2;
    while (registers && tile > 2 && tile * items_of_pair(site) > most)
        tile /= 2;
    return tile;
}

static int64_t tiles_of(const pdessm_site *site) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    return divide_up(divide_up(e.channels, 2 * lanes_of(site)), pdessm_choose(site, TILE));
}

static int group_applies(const pdessm_site *site, int64_t group) {
    return site->info && !is_cpu(site) && place_applies(site, LOCAL) && !in_registers(site) &&
           group <= site->info->max_work_group;
}

static int64_t group_standard(const pdessm_site *site) {
    int64_t group = is_cpu(site) ? 1 : 256;
    while (group > site->info->max_work_group)
        group /= 2;
    return group;
}

static int exchange_applies(const pdessm_site *site, int64_t exchange) {
    return site->info && place_applies(site, REGISTERS) && in_registers(site) &&
           exchange * pdessm_choose(site, TILE) * local_bytes(site, REGISTERS) <=
               site->info->local_memory;
}

static int64_t exchange_standard(const pdessm_site *site) {
    (void)site;
    return HALVES;
}

/* ------------------------------------------------------------------ parts of the batch */

static int parts_apply(const pdessm_site *site, int64_t parts) {
    return site->info && site->call->pass == PDESSM_BACKWARD &&
           place_applies(site, pdessm_choose(site, PLACE)) &&
           parts <= pdessm_filter_extents_of(site->call).batch;
}

/* Enough groups to fill the device, yet partial sums no larger than the images. */
static int64_t parts_standard(const pdessm_site *site) {
    int64_t batch = pdessm_filter_extents_of(site->call).batch;
    int64_t parts = divide_up(4 * (int64_t)site->info->compute_units, tiles_of(site));
    parts = parts < MOST_PARTS ? parts : MOST_PARTS;
    return parts < batch ? parts : batch;
}

/* ------------------------------------------------------------------ the choices */

static void classify(const pdessm_call *call, int64_t ret[PDESSM_CLASS_EXTENTS]) {
    pdessm_filter_extents e = pdessm_filter_extents_of(call);
    ret[0] = e.height;
    ret[1] = e.width;
    ret[2] = 0;
}

const pdessm_tunable pdessm_filter_tunable = {
    .classify = classify,
    .count = 6,
    .choice = {
        [PLACE] = {"place",
                   {LOCAL, REGISTERS},
                   (const char *const[]){0, "local", "registers"},
                   place_applies,
                   place_standard},
        [POINTS] = {"points", {8, 16, 32}, NULL, points_apply, points_standard},
        [TILE] = {"tile", {1, 2, 4, 8, 16, 32}, NULL, tile_applies, tile_standard},
        [GROUP] = {"group", {64, 128, 256, 512, 1024}, NULL, group_applies, group_standard},
        [EXCHANGE] = {"exchange",
                      {HALVES, WHOLE},
                      (const char *const[]){0, "halves", "whole"},
                      exchange_applies,
                      exchange_standard},
        [PARTS] = {"parts", {1, 2, 4, 8, 16, 32, 64}, NULL, parts_apply, parts_standard},
    }};

/* ------------------------------------------------------------------ the plan */

/* Do pairs of channels lie at multiples of 8 bytes and those of the symbol at 16? */
static int is_aligned(const pdessm_call *call) {
    if (pdessm_filter_extents_of(call).channels % 2)
        return 0;
    for (int i = PDESSM_FILTER_U; i <= PDESSM_FILTER_Y; i++) {
        const pdessm_tensor *both[] = {call->operand[i], call->gradient[i]};
        for (int k = 0; k < 2; k++)
            if (both[k] && both[k]->offset % 16)
                return 0;
    }
    return 1;
}

int pdessm_filter_plan_make(const pdessm_site *site, pdessm_filter_plan *ret) {
    pdessm_filter_extents e = pdessm_filter_extents_of(site->call);
    int back = site->call->pass == PDESSM_BACKWARD;
    int place = (int)pdessm_choose(site, PLACE), registers = place == REGISTERS;
    char form[96];
    radices r;
    if (!place_applies(site, place) || !radices_of(site, place, &r))
        return 0;
    int64_t tile = pdessm_choose(site, TILE);
    /* On a GPU single pairs would read two floats of each memory transaction; from registers the
     * groups of neighbouring pairs, which run at the same time, share them in the cache. */
    if (!registers && !is_cpu(site) && tile < 2 && e.channels > 2)
        return 0;
    pdessm_filter_plan p = {.tiles = tiles_of(site),
                            .parts = back ? pdessm_choose(site, PARTS) : 1};
    p.group = registers ? tile * items_of_pair(site) : pdessm_choose(site, GROUP);
    int64_t modes = (registers ? e.width * e.height : 2 * e.height * e.half) * tile;
    int64_t floats = (5 * (e.height + e.width) + 15) / 16 * 16; /* TABLE_FLOATS */
    if (back)
        floats += p.parts * p.tiles * modes * 2 * lanes_of(site);
    p.scratch_bytes = (size_t)floats * sizeof(float);
    if (registers)
        snprintf(form, sizeof form, "-DPOINTS=%lld%s%s%s%s", (long long)pdessm_choose(site, POINTS),
                 pdessm_choose(site, EXCHANGE) == WHOLE ? " -DWHOLE" : "",
                 is_aligned(site->call) ? " -DALIGNED" : "",
                 back && !site->call->gradient[PDESSM_FILTER_U] ? " -DWITHOUT_DU" : "",
                 back && !site->call->gradient[PDESSM_FILTER_SYMBOL] ? " -DWITHOUT_DSYMBOL" : "");
    else
        snprintf(form, sizeof form, "-DGROUP=%lld", (long long)p.group);
    snprintf(p.options, sizeof p.options,
             "-DHEIGHT=%lld -DWIDTH=%lld -DTILE=%lld %s -DHR0=%d -DHR1=%d -DHR2=%d -DHR3=%d "
             "-DWR0=%d -DWR1=%d -DWR2=%d -DWR3=%d%s",
             (long long)e.height, (long long)e.width, (long long)tile, form, r.height[0],
             r.height[1], r.height[2], r.height[3], r.width[0], r.width[1], r.width[2], r.width[3],
             back ? " -DBACKWARD" : "");
    *ret = p;
    return 1;
}
