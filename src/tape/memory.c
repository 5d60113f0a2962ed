/* SPDX-License-Identifier: MIT */
/* memory.c: a place for every value of a planned tape.
 *
 * A value lives from the first step that touches it to the last. Values whose lives do not overlap
 * share a slot: the smallest free slot that is large enough, else the largest free one, grown.
 * Each slot is a separate storage, so no single buffer exceeds a device's largest allocation only
 * because everything lies in one. */
#include <stdlib.h>
#include <string.h>

#include "tape/tape.h"

typedef struct slot {
    size_t bytes;
    int free_after; /* the last step of the value that is in it */
    pdessm_storage *storage;
} slot;

enum { NEVER = INT32_MAX };

static void touch(pdessm_tensor *tensor, int at) {
    value *root = pdessm_value_root((value *)tensor);
    if (root->first < 0)
        root->first = at;
    root->last = at;
}

/* Which steps touch which values: forward steps first, then backward ones. */
static void find_lives(pdessm_tape *tape) {
    int total = tape->forward.count + tape->backward.count;
    for (int i = 0; i < total; i++) {
        int back = i >= tape->forward.count;
        step *s = back ? &tape->backward.item[i - tape->forward.count] : &tape->forward.item[i];
        const char *letters = pdessm_op_get(s->call.op)->letters;
        if (s->zero) {
            touch(s->zero, i);
            continue;
        }
        for (int k = 0; letters[k]; k++) {
            if (s->call.operand[k] && (!back || pdessm_call_needs(&s->call, k)))
                touch(s->call.operand[k], i);
            if (s->call.gradient[k])
                touch(s->call.gradient[k], i);
        }
    }
}

static int by_first_step(const void *a, const void *b) {
    const value *x = *(value *const *)a, *y = *(value *const *)b;
    return (x->first > y->first) - (x->first < y->first);
}

/* The roots that need a place, in the order of their first step. */
static pdessm_status collect_roots(pdessm_tape *tape, value ***ret_roots, int *ret_count) {
    int count = 0;
    value **roots = NULL;
    for (value *v = tape->values; v; v = v->next)
        count++;
    pdessm_status status = pdessm_alloc(tape->ctx, (size_t)count, sizeof *roots, &roots);
    if (status != PDESSM_OK)
        return status;
    count = 0;
    for (value *v = tape->values; v; v = v->next)
        if (!v->parent && !v->external && (v->pinned || v->first >= 0))
            roots[count++] = v;
    qsort(roots, (size_t)count, sizeof *roots, by_first_step);
    *ret_roots = roots;
    *ret_count = count;
    return PDESSM_OK;
}

static int best_slot(const slot *slots, int count, size_t bytes, int at) {
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (slots[i].free_after >= at)
            continue;
        int fits = slots[i].bytes >= bytes, best_fits = best >= 0 && slots[best].bytes >= bytes;
        if (best < 0 || (fits && !best_fits) || (fits && slots[i].bytes < slots[best].bytes) ||
            (!fits && !best_fits && slots[i].bytes > slots[best].bytes))
            best = i;
    }
    return best;
}

/* place[i]: the slot of root i; returns the number of slots. */
static int assign_slots(value **roots, int count, slot *slots, int *place) {
    int used = 0;
    for (int i = 0; i < count; i++) {
        size_t bytes = pdessm_tensor_bytes(&roots[i]->tensor);
        int k = roots[i]->pinned ? -1 : best_slot(slots, used, bytes, roots[i]->first);
        if (k < 0)
            k = used++;
        if (slots[k].bytes < bytes)
            slots[k].bytes = bytes;
        slots[k].free_after = roots[i]->pinned ? NEVER : roots[i]->last;
        place[i] = k;
    }
    return used;
}

void pdessm_tape_borrow(pdessm_tape *tape, pdessm_tape *lender) {
    tape->lender = lender;
}

/* The smallest place of the lender that is large enough, free between runs, and not taken yet. */
static pdessm_storage *lent(const pdessm_tape *tape, const slot *slots, int count, size_t bytes) {
    const pdessm_tape *lender = tape->lender;
    pdessm_storage *best = NULL;
    for (int i = 0; lender && i < lender->storages; i++) {
        pdessm_storage *s = lender->storage[i];
        int taken = lender->kept[i] || s->bytes < bytes || (best && best->bytes <= s->bytes);
        for (int k = 0; k < count && !taken; k++)
            taken = slots[k].storage == s;
        if (!taken)
            best = s;
    }
    return best;
}

static pdessm_status make_storages(pdessm_tape *tape, slot *slots, int count) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(tape->ctx, (size_t)count, sizeof *tape->storage, &tape->storage));
    PDESSM_TRY(pdessm_alloc(tape->ctx, (size_t)count, sizeof *tape->kept, &tape->kept));
    for (int i = 0; i < count; i++) {
        if (slots[i].free_after != NEVER)
            slots[i].storage = lent(tape, slots, i, slots[i].bytes);
        if (slots[i].storage)
            continue;
        PDESSM_TRY(pdessm_storage_create(tape->device, 1, &slots[i].bytes,
                                         &tape->storage[tape->storages]));
        tape->kept[tape->storages] = slots[i].free_after == NEVER;
        slots[i].storage = tape->storage[tape->storages++];
        tape->info.bytes += (int64_t)slots[i].bytes;
    }
    for (int i = 0; i < tape->storages; i++)
        PDESSM_TRY(pdessm_storage_commit(tape->storage[i]));
out:
    return status;
}

/* Views take their place from their root; a parent is always placed before its views are. */
static void place_view(value *v) {
    if (!v->parent || v->tensor.storage)
        return;
    place_view(v->parent);
    v->tensor.storage = v->parent->tensor.storage;
    v->tensor.first_segment = v->parent->tensor.first_segment;
    v->tensor.segments = v->parent->tensor.segments;
    v->tensor.offset = v->parent->tensor.offset;
    v->tensor.whole = v->slice < 0 && v->parent->tensor.whole;
    if (v->slice >= 0)
        v->tensor.offset += (size_t)v->slice * pdessm_tensor_bytes(&v->tensor);
}

pdessm_status pdessm_tape_place(pdessm_tape *tape) {
    pdessm_status status = PDESSM_OK;
    value **roots = NULL;
    slot *slots = NULL;
    int *place = NULL, count = 0;
    find_lives(tape);
    PDESSM_TRY(collect_roots(tape, &roots, &count));
    PDESSM_TRY(pdessm_alloc(tape->ctx, (size_t)count, sizeof *slots, &slots));
    PDESSM_TRY(pdessm_alloc(tape->ctx, (size_t)count, sizeof *place, &place));
    PDESSM_TRY(make_storages(tape, slots, assign_slots(roots, count, slots, place)));
    for (int i = 0; i < count; i++) {
        roots[i]->tensor.storage = slots[place[i]].storage;
        roots[i]->tensor.whole = 1;
        roots[i]->capacity = pdessm_tensor_bytes(&roots[i]->tensor);
    }
    for (value *v = tape->values; v; v = v->next)
        place_view(v);
out:
    free(roots);
    free(slots);
    free(place);
    return status;
}
