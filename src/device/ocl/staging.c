/* SPDX-License-Identifier: MIT */
/* staging.c: writing to the device without waiting for it. The bytes are copied into a ring of host
 * blocks first, so the caller has its memory back at once; only a full ring makes it wait, and then
 * for the oldest block alone. */
#include <stdlib.h>
#include <string.h>

#include "device/ocl/ocl.h"

/* 16 blocks of at most 4 MiB hold several batches; longer writes go in pieces. */
enum { BLOCKS = 16, LARGEST = 4 << 20, SMALLEST = 64 << 10 };

struct block {
    void *memory;
    size_t bytes;
    cl_event done; /* NULL: the block is free */
};

typedef struct pdessm_ocl_staging {
    int next;
    struct block block[BLOCKS];
} staging;

static void release(struct block *b) {
    if (!b->done)
        return;
    clWaitForEvents(1, &b->done);
    clReleaseEvent(b->done);
    b->done = NULL;
}

/* Makes a block free and large enough. */
static pdessm_status prepare(pdessm_ocl *o, struct block *b, size_t bytes) {
    release(b);
    if (bytes <= b->bytes)
        return PDESSM_OK;
    size_t wanted = SMALLEST;
    while (wanted < bytes)
        wanted *= 2;
    void *memory = aligned_alloc(4096, wanted);
    if (!memory)
        return pdessm_fail(o->ctx, PDESSM_ERROR_MEMORY, "out of memory: %zu bytes for a copy",
                           wanted);
    free(b->memory);
    b->memory = memory;
    b->bytes = wanted;
    return PDESSM_OK;
}

static pdessm_status write_piece(pdessm_ocl *o, cl_mem buffer, size_t offset, size_t bytes,
                                 const void *source) {
    struct block *b = &o->staging->block[o->staging->next];
    pdessm_status status = prepare(o, b, bytes);
    if (status != PDESSM_OK)
        return status;
    memcpy(b->memory, source, bytes);
    cl_int code = clEnqueueWriteBuffer(o->queue, buffer, CL_FALSE, offset, bytes, b->memory, 0,
                                       NULL, &b->done);
    if (code != CL_SUCCESS) {
        b->done = NULL;
        return pdessm_ocl_fail(o->ctx, code, "writing %zu bytes to '%s'", bytes, o->info.name);
    }
    o->staging->next = (o->staging->next + 1) % BLOCKS;
    pdessm_ocl_queued(o);
    return PDESSM_OK;
}

pdessm_status pdessm_ocl_write(void *state, void *buffer, size_t offset, size_t bytes,
                               const void *source) {
    pdessm_ocl *o = state;
    pdessm_status status = PDESSM_OK;
    if (!o->staging)
        PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *o->staging, &o->staging));
    for (size_t at = 0; at < bytes; at += LARGEST) {
        size_t piece = bytes - at < LARGEST ? bytes - at : LARGEST;
        PDESSM_TRY(write_piece(o, buffer, offset + at, piece, (const char *)source + at));
    }
out:
    return status;
}

void pdessm_ocl_staging_destroy(pdessm_ocl *o) {
    if (!o->staging)
        return;
    for (int i = 0; i < BLOCKS; i++) {
        release(&o->staging->block[i]);
        free(o->staging->block[i].memory);
    }
    free(o->staging);
    o->staging = NULL;
}
