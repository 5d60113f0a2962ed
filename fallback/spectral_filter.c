/* SPDX-License-Identifier: MIT */
/* spectral_filter.c: y = irfft2(G rfft2(u)) and its gradients: how the work is cut. */
#include "spectral_filter.h"

enum {
    CACHE = 1 << 20,        /* bytes that a task may fill: half of a usual second-level cache */
    EARLY = 9 << 17,        /* bytes with the next images: asked for sooner, they push data out */
    BEYOND_CACHE = 4 << 20, /* larger results would push their reader's other data out anyway */
    MOST_CHANNELS = 128,    /* of a block: long enough runs of memory */
    PARTS = 32,             /* backward, of all blocks: enough to feed many threads */
    FEWEST_IMAGES = 4,      /* backward: fewer would make the partial sums the larger work */
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Floats, rounded up to whole cache lines. */
static int64_t lines_of(int64_t floats) {
    return divide_up(floats, 16) * 16;
}

/* Everything of the job that follows from its extents and, where it cannot change the result, from
 * the number of workers: backward, parts are added up alike whoever works on them. */
static void cut(filter_job *job, int backward, int workers) {
    job->half = job->width / 2 + 1;
    job->pitch = (job->width | 1) * COMPLEX; /* odd, so that a column does not fall into one set */
    job->pairs = divide_up(job->channels, COMPLEX);
    job->chunk = ROW_BYTES / (job->width * COMPLEX * (int64_t)sizeof(float));
    job->chunk = job->chunk < 1 ? 1 : job->chunk;
    int64_t planes = backward ? 2 : 1;
    int64_t left = CACHE / 4 - planes * plane_floats(job);
    /* Backward, two planes, symbol and sums of one pair are enough for the cache. */
    job->wide = backward ? 1 : least(MOST_CHANNELS / COMPLEX, left / pair_symbol_floats(job));
    job->wide = job->wide < 1 ? 1 : least(job->wide, job->pairs);
    job->blocks = divide_up(job->pairs, job->wide);
    if (backward)
        job->parts = least(divide_up(PARTS, job->blocks), divide_up(job->batch, FEWEST_IMAGES));
    else
        job->parts =
            job->blocks >= 4 * workers ? 1 : least(job->batch, divide_up(4 * workers, job->blocks));
    int64_t at_work = planes * (plane_floats(job) + job->wide * pair_symbol_floats(job));
    job->early = (at_work + planes * plane_floats(job)) * (int64_t)sizeof(float) <= EARLY;
    job->span = backward && job->blocks >= 4 * workers ? job->parts : 1;
    int64_t longest = job->height > job->width ? job->height : job->width;
    int64_t work_h = FALLBACK(fft_work_floats)(job->height);
    int64_t work_w = FALLBACK(fft_work_floats)(job->width);
    job->at_symbol = 16; /* behind the number of the block that is loaded */
    job->at_plane = job->at_symbol + job->wide * pair_symbol_floats(job);
    job->at_lines = job->at_plane + planes * plane_floats(job);
    job->line_floats = 4 * longest * COMPLEX;
    if (job->line_floats < ROW_BYTES / 4)
        job->line_floats = ROW_BYTES / 4;
    job->at_slots = job->at_lines + job->line_floats + (work_h > work_w ? work_h : work_w);
    int64_t slots = job->span == job->parts ? least(job->parts, 2)
                                            : divide_up(job->blocks * job->parts, workers);
    if (!backward)
        slots = 0;
    job->end = job->at_slots + slots * job->wide * pair_symbol_floats(job);
}

/* Floats that the two plans take, in front of the first worker's scratch. */
static int64_t plan_floats(int64_t n) {
    return lines_of((int64_t)(FALLBACK(fft_plan_bytes)(n) / sizeof(float)) + 1);
}

size_t FALLBACK(spectral_filter_scratch)(int64_t batch, int64_t height, int64_t width,
                                         int64_t channels, int backward, int workers) {
    filter_job job = {.batch = batch, .height = height, .width = width, .channels = channels};
    cut(&job, backward, workers);
    return (size_t)(plan_floats(height) + plan_floats(width) + job.end) * sizeof(float);
}

/* The scratch of a worker behind the place of the plans. */
static float *room(const filter_job *job, int worker) {
    float *scratch = pdessm_pool_scratch(job->pool, worker);
    return scratch + plan_floats(job->height) + plan_floats(job->width);
}

/* Whether each task has a block for itself. */
static int whole_blocks(const filter_job *job) {
    return job->span == job->parts;
}

/* A worker's room for sums. */
static float *slot(const filter_job *job, int worker, int64_t index) {
    return room(job, worker) + job->at_slots + index * job->wide * pair_symbol_floats(job);
}

/* Where the sums of a part that is a separate task wait until they are added up. */
static float *part_slot(const filter_job *job, int64_t task) {
    int workers = pdessm_pool_workers(job->pool);
    return slot(job, (int)(task % workers), task / workers);
}

static int64_t first_image(const filter_job *job, int64_t part) {
    return job->batch * part / job->parts;
}

/* Where a task begins. */
static filter_place place_of(const filter_job *job, int64_t task) {
    int64_t part = task * job->span;
    return (filter_place){part / job->parts, first_image(job, part % job->parts)};
}

/* One part's images; sums, if wanted, start at zero. */
static void run_part(const filter_job *job, int64_t task, int64_t part, float *scratch,
                     float *sums) {
    int64_t block = task * job->span / job->parts;
    int64_t image = first_image(job, part), end = first_image(job, part + 1);
    if (sums)
        memset(sums, 0, (size_t)(job->wide * pair_symbol_floats(job)) * sizeof *sums);
    int last = (part + 1) % job->span == 0;
    for (; image < end; image++) {
        filter_place here = {block, image}, next = {block, image + 1};
        if (last && image + 1 == end) /* this worker is likely to get this one */
            next = place_of(job, task + pdessm_pool_workers(job->pool));
        FALLBACK(filter_image)(job, here, next, scratch, sums);
    }
}

static void add_sums(const filter_job *job, const float *restrict sums, float *restrict total) {
    for (int64_t i = 0; i < job->wide * pair_symbol_floats(job); i++)
        total[i] += sums[i];
}

/* The parts of a task in turn. Their sums are added up as run_reduction() does it, so that the
 * result does not tell how the work was cut. */
static void run_task(void *argument, int64_t task, int worker) {
    const filter_job *job = argument;
    int64_t block = task * job->span / job->parts, first = task * job->span % job->parts;
    float *scratch = room(job, worker), *total = NULL;
    int64_t loaded;
    memcpy(&loaded, scratch, sizeof loaded);
    if (loaded != block && job->out) {
        FALLBACK(filter_load_symbol)(job, block, scratch + job->at_symbol);
        memcpy(scratch, &block, sizeof block);
    }
    if (job->dsymbol)
        total = whole_blocks(job) ? slot(job, worker, 0) : part_slot(job, task);
    run_part(job, task, first, scratch, total);
    for (int64_t part = first + 1; part < first + job->span; part++) {
        float *sums = total ? slot(job, worker, 1) : NULL;
        run_part(job, task, part, scratch, sums);
        if (sums)
            add_sums(job, sums, total);
    }
    if (total && whole_blocks(job))
        for (int64_t mx = 0; mx < job->half; mx++)
            FALLBACK(filter_store_gradient)(job, block, mx, 1, &total);
    vec_stream_end();
}

static void run_reduction(void *argument, int64_t index, int worker) {
    (void)worker;
    const filter_job *job = argument;
    int64_t block = index / job->half;
    float *sums[PARTS + 1];
    for (int64_t part = 0; part < job->parts; part++)
        sums[part] = part_slot(job, block * job->parts + part);
    FALLBACK(filter_store_gradient)(job, block, index % job->half, job->parts, sums);
    vec_stream_end();
}

/* Results past the caches where the images do not fit and a group is made of whole vectors. */
static void choose_streams(filter_job *job) {
    size_t bytes = (size_t)(job->batch * job->height * job->width * job->channels) * sizeof(float);
    int large = bytes > BEYOND_CACHE && job->channels % LANES == 0;
    job->stream = large && job->out && !job->add_out && (uintptr_t)job->out % sizeof(vec) == 0;
    job->stream_symbol =
        large && job->dsymbol && !job->add_symbol && (uintptr_t)job->dsymbol % sizeof(vec) == 0;
}

static void run(filter_job *job) {
    int workers = pdessm_pool_workers(job->pool);
    cut(job, job->backward, workers);
    float *plans = pdessm_pool_scratch(job->pool, 0);
    job->columns = FALLBACK(fft_plan_build)(job->height, plans);
    job->rows = FALLBACK(fft_plan_build)(job->width, plans + plan_floats(job->height));
    choose_streams(job);
    for (int w = 0; w < workers; w++)
        memcpy(room(job, w), &(int64_t){-1}, sizeof(int64_t));
    pdessm_parallel(job->pool, job->blocks * job->parts / job->span, run_task, job);
    if (job->dsymbol && !whole_blocks(job))
        pdessm_parallel(job->pool, job->blocks * job->half, run_reduction, job);
}

void FALLBACK(spectral_filter_forward)(pdessm_pool *pool, int64_t batch, int64_t height,
                                       int64_t width, int64_t channels, const float *u,
                                       const float *symbol, float *y) {
    run(&(filter_job){.pool = pool,
                      .batch = batch,
                      .height = height,
                      .width = width,
                      .channels = channels,
                      .symbol = symbol,
                      .in = u,
                      .out = y});
}

void FALLBACK(spectral_filter_backward)(pdessm_pool *pool, int64_t batch, int64_t height,
                                        int64_t width, int64_t channels, const float *u,
                                        const float *symbol, const float *dy, float *du,
                                        float *dsymbol, int add_u, int add_symbol) {
    run(&(filter_job){.pool = pool,
                      .batch = batch,
                      .height = height,
                      .width = width,
                      .channels = channels,
                      .symbol = symbol,
                      .in = dy,
                      .out = du,
                      .u = dsymbol ? u : NULL,
                      .dsymbol = dsymbol,
                      .backward = 1,
                      .add_out = add_u,
                      .add_symbol = add_symbol});
}
