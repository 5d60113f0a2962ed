/* SPDX-License-Identifier: MIT */
/* copy.c: the yardstick: copies of a number of bytes. The plain way is memcpy by all threads, or
 * a backend's copy of buffers; the fastest one may be stores that go past the caches, or the kernel
 * of `combine` without terms, y = x. */
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "bench.h"
#include "ops/calls.h"

/* Past the caches a thread takes so much at a time, a multiple of a page; memcpy is called once by
 * each thread, as a program without a better idea would. */
enum { PIECE = 256 << 10, ALIGNMENT = 64 };

typedef void (*copier)(char *target, const char *source, size_t bytes);

struct bench_copy {
    pdessm_device *device;
    size_t bytes; /* a multiple of ALIGNMENT */
    char *source, *target;
    copier piece; /* plain C */
    size_t piece_bytes;
    pdessm_tensor *from, *to;
    int by_kernel; /* backends */
    const char *way;
};

/* ------------------------------------------------------------------ ways */

static void copy_cached(char *target, const char *source, size_t bytes) {
    memcpy(target, source, bytes);
}

#if defined(__SSE2__)
static void copy_past_caches(char *target, const char *source, size_t bytes) {
    for (size_t i = 0; i < bytes; i += ALIGNMENT)
        for (size_t k = 0; k < ALIGNMENT; k += sizeof(__m128i))
            _mm_stream_si128((__m128i *)(void *)(target + i + k),
                             _mm_load_si128((const __m128i *)(const void *)(source + i + k)));
    _mm_sfence();
}
#endif

static void run_piece(void *argument, int64_t index, int worker) {
    bench_copy *c = argument;
    size_t begin = (size_t)index * c->piece_bytes, left = c->bytes - begin;
    (void)worker;
    c->piece(c->target + begin, c->source + begin, left < c->piece_bytes ? left : c->piece_bytes);
}

static pdessm_status run_on_host(void *user) {
    bench_copy *c = user;
    int64_t pieces = (int64_t)((c->bytes + c->piece_bytes - 1) / c->piece_bytes);
    pdessm_parallel(c->device->host.pool, pieces, run_piece, c);
    return PDESSM_OK;
}

static pdessm_status run_on_backend(void *user) {
    bench_copy *c = user;
    if (c->by_kernel)
        return pdessm_call_combine(c->device, c->from, 0, NULL, NULL, c->to);
    return c->device->backend->copy(c->device->state, c->from->storage->remote,
                                    c->to->storage->remote, c->bytes);
}

bench_work pdessm_cli_bench_copy_work(bench_copy *copy) {
    return (bench_work){.device = copy->device,
                        .run = copy->device->backend ? run_on_backend : run_on_host,
                        .user = copy};
}

const char *pdessm_cli_bench_copy_way(const bench_copy *copy) {
    return copy->way;
}

/* ------------------------------------------------------------------ choosing */

/* The shortest of a few batches, in seconds of one copy. */
static pdessm_status time_way(bench_copy *c, double *ret) {
    enum { TRIALS = 3 };
    bench_work w = pdessm_cli_bench_copy_work(c);
    pdessm_status status = PDESSM_OK;
    int64_t runs = 1;
    double best = 0;
    PDESSM_TRY(pdessm_cli_bench_fill(&w, &runs));
    for (int i = 0; i < TRIALS; i++) {
        double seconds = 0;
        PDESSM_TRY(pdessm_cli_bench_time(&w, runs, &seconds));
        best = i == 0 || seconds < best ? seconds : best;
    }
    *ret = best / (double)runs;
out:
    return status;
}

static void take_way(bench_copy *c, int second) {
    if (c->device->backend) {
        c->by_kernel = second;
        c->way = second ? "kernel" : "buffer copy";
        return;
    }
    size_t workers = (size_t)pdessm_pool_workers(c->device->host.pool);
    c->piece = copy_cached;
    c->piece_bytes = (c->bytes / workers / ALIGNMENT + 1) * ALIGNMENT;
    c->way = "memcpy";
#if defined(__SSE2__)
    if (second) {
        c->piece = copy_past_caches;
        c->piece_bytes = PIECE;
        c->way = "streaming stores";
    }
#endif
}

static pdessm_status choose_way(bench_copy *c) {
    pdessm_status status = PDESSM_OK;
    double seconds[2] = {0, 0};
    for (int way = 0; way < 2; way++) {
        take_way(c, way);
        PDESSM_TRY(time_way(c, &seconds[way]));
    }
    take_way(c, seconds[1] < seconds[0]);
out:
    return status;
}

/* ------------------------------------------------------------------ life */

static pdessm_status allocate(bench_copy *c) {
    pdessm_context *ctx = c->device->ctx;
    pdessm_status status = PDESSM_OK;
    int64_t n = (int64_t)(c->bytes / sizeof(float));
    if (c->device->backend) {
        PDESSM_TRY(pdessm_tensor_create(c->device, PDESSM_FLOAT32, 1, &n, &c->from));
        PDESSM_TRY(pdessm_tensor_create(c->device, PDESSM_FLOAT32, 1, &n, &c->to));
        return pdessm_tensor_zero(c->from);
    }
    c->source = aligned_alloc(ALIGNMENT, c->bytes);
    c->target = aligned_alloc(ALIGNMENT, c->bytes);
    PDESSM_REQUIRE(ctx, c->source && c->target, PDESSM_ERROR_MEMORY,
                   "out of memory: two buffers of %zu bytes to copy between", c->bytes);
    memset(c->source, 1, c->bytes);
    memset(c->target, 0, c->bytes);
out:
    return status;
}

pdessm_status pdessm_cli_bench_copy_create(pdessm_device *device, size_t bytes, int fastest,
                                           bench_copy **ret) {
    pdessm_status status = PDESSM_OK;
    bench_copy *c = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *c, &c));
    *c = (bench_copy){.device = device, .bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT};
    PDESSM_TRY(allocate(c));
    take_way(c, 0);
    if (fastest)
        PDESSM_TRY(choose_way(c));
    *ret = c;
    c = NULL;
out:
    pdessm_cli_bench_copy_destroy(&c);
    return status;
}

void pdessm_cli_bench_copy_destroy(bench_copy **copy) {
    bench_copy *c = *copy;
    if (!c)
        return;
    pdessm_tensor_destroy(&c->from);
    pdessm_tensor_destroy(&c->to);
    free(c->source);
    free(c->target);
    free(c);
    *copy = NULL;
}
