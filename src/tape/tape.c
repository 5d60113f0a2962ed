/* SPDX-License-Identifier: MIT */
/* tape.c: a tape as a whole: made, planned, replayed. */
#include "tape/tape.h"

#include <stdlib.h>

pdessm_status pdessm_tape_create(pdessm_device *device, pdessm_tape **ret) {
    pdessm_tape *tape = NULL;
    pdessm_status status = pdessm_alloc(device->ctx, 1, sizeof *tape, &tape);
    if (status != PDESSM_OK)
        return status;
    tape->device = device;
    tape->ctx = device->ctx;
    *ret = tape;
    return PDESSM_OK;
}

void pdessm_tape_destroy(pdessm_tape **tape) {
    pdessm_tape *t = *tape;
    if (!t)
        return;
    for (value *v = t->values, *next; v; v = next) {
        next = v->next;
        free(v);
    }
    for (int i = 0; i < t->storages; i++)
        pdessm_storage_destroy(&t->storage[i]);
    free(t->storage);
    free(t->kept);
    free(t->forward.item);
    free(t->backward.item);
    free(t);
    *tape = NULL;
}

/* Without a loss, steps that depend on parameters alone run once; their results stay in place. */
static void find_constants(pdessm_tape *tape) {
    for (int i = 0; i < tape->forward.count; i++) {
        step *s = &tape->forward.item[i];
        const char *letters = pdessm_op_get(s->call.op)->letters;
        for (int k = 0; letters[k]; k++) {
            value *v = (value *)s->call.operand[k];
            if (!pdessm_letter_is_output(letters[k]) || !v->constant)
                continue;
            s->constant = 1;
            v->pinned = 1;
        }
    }
}

static void add_cost(pdessm_tape *tape, const step_list *list, double *flops, int *calls) {
    for (int i = 0; i < list->count; i++) {
        const step *s = &list->item[i];
        pdessm_cost cost = {0};
        if (s->zero)
            continue;
        pdessm_op_get(s->call.op)->descriptor->cost(&s->call, &tape->device->host, &cost);
        *flops += cost.flops;
        *calls += 1;
    }
}

pdessm_status pdessm_tape_plan(pdessm_tape *tape, pdessm_tensor *loss) {
    pdessm_status status = tape->status;
    if (status != PDESSM_OK)
        goto out;
    PDESSM_REQUIRE(tape->ctx, !tape->planned, PDESSM_ERROR_ARGUMENT, "the tape is planned already");
    tape->loss = loss ? pdessm_value_root((value *)loss) : NULL; /* a view has no gradient */
    if (loss)
        PDESSM_TRY(pdessm_tape_derive(tape));
    else
        find_constants(tape);
    PDESSM_TRY(pdessm_tape_place(tape));
    add_cost(tape, &tape->forward, &tape->info.forward_flops, &tape->info.forward_calls);
    add_cost(tape, &tape->backward, &tape->info.backward_flops, &tape->info.backward_calls);
    tape->planned = 1;
    if (loss)
        PDESSM_TRY(pdessm_tape_set_loss_scale(tape, 1));
out:
    return status;
}

pdessm_status pdessm_tape_set_loss_scale(pdessm_tape *tape, double scale) {
    float value_of_scale = (float)scale;
    if (!tape->loss || !tape->loss->gradient)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape was planned without a loss");
    return pdessm_tensor_write(&tape->loss->gradient->tensor, &value_of_scale);
}

static pdessm_status replay(pdessm_tape *tape, const step_list *list, int skip_constants) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < list->count; i++) {
        step *s = &list->item[i];
        if (s->zero)
            PDESSM_TRY(pdessm_tensor_zero(s->zero));
        else if (!(s->constant && skip_constants))
            PDESSM_TRY(pdessm_run_call(tape->device, &s->call));
    }
out:
    return status;
}

pdessm_status pdessm_tape_forward(pdessm_tape *tape) {
    if (!tape->planned)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape is not planned yet");
    pdessm_status status = replay(tape, &tape->forward, tape->constants_ready);
    tape->constants_ready = status == PDESSM_OK;
    return status;
}

pdessm_status pdessm_tape_backward(pdessm_tape *tape) {
    if (!tape->planned || !tape->loss)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape was planned without a loss");
    return replay(tape, &tape->backward, 0);
}

void pdessm_tape_invalidate(pdessm_tape *tape) {
    tape->constants_ready = 0;
}

pdessm_tensor *pdessm_tape_gradient(pdessm_tape *tape, pdessm_tensor *tensor) {
    (void)tape;
    value *v = (value *)tensor;
    return v->gradient ? &v->gradient->tensor : NULL;
}

pdessm_tape_info pdessm_tape_get_info(const pdessm_tape *tape) {
    return tape->info;
}
