/* SPDX-License-Identifier: MIT */
/* resize.c: a planned tape runs with other extents. Operators say what follows from those of the
 * inputs, as they did when the tape was recorded; places stay as they were planned. */
#include <string.h>

#include "tape/tape.h"

static pdessm_status check_place(pdessm_tape *tape, const value *v) {
    size_t bytes = pdessm_tensor_bytes(&v->tensor);
    if (v->parent || v->external || bytes <= v->capacity)
        return PDESSM_OK;
    return pdessm_fail(tape->ctx, PDESSM_ERROR_SHAPE,
                       "a tensor %s needs %zu bytes, the tape was planned with %zu: plan it with "
                       "the largest extents that occur",
                       pdessm_tensor_shape(&v->tensor).text, bytes, v->capacity);
}

/* The outputs of one step get the extents that follow from its inputs. */
static pdessm_status resize_step(pdessm_tape *tape, step *s) {
    pdessm_status status = PDESSM_OK;
    const pdessm_op_row *row = pdessm_op_get(s->call.op);
    pdessm_shape shape[PDESSM_MAX_OPERANDS] = {0};
    PDESSM_TRY(row->descriptor->shapes(tape->ctx, &s->call, shape));
    for (int i = 0; row->letters[i]; i++) {
        value *v = (value *)s->call.operand[i];
        if (!pdessm_letter_is_output(row->letters[i]))
            continue;
        memcpy(v->tensor.dims, shape[i].dims, sizeof v->tensor.dims);
        PDESSM_TRY(check_place(tape, v));
    }
out:
    return status;
}

/* Does a view still show the numbers that it was made for? */
static int view_holds(const value *v) {
    const pdessm_tensor *whole = &v->parent->tensor;
    if (v->slice < 0)
        return pdessm_tensor_count(&v->tensor) == pdessm_tensor_count(whole);
    int same = v->slice < whole->dims[0];
    for (int i = 0; i < v->tensor.rank; i++)
        same = same && v->tensor.dims[i] == whole->dims[i + 1];
    return same;
}

static pdessm_status check_views(pdessm_tape *tape) {
    for (const value *v = tape->values; v; v = v->next)
        if (v->parent && !view_holds(v))
            return pdessm_fail(tape->ctx, PDESSM_ERROR_SHAPE,
                               "a view %s of a tensor that becomes %s: views keep their extents",
                               pdessm_tensor_shape(&v->tensor).text,
                               pdessm_tensor_shape(&v->parent->tensor).text);
    return PDESSM_OK;
}

static pdessm_status propagate(pdessm_tape *tape) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < tape->forward.count; i++)
        PDESSM_TRY(resize_step(tape, &tape->forward.item[i]));
    PDESSM_TRY(check_views(tape));
    for (value *v = tape->values; v; v = v->next)
        if (v->gradient && !v->gradient->external)
            memcpy(v->gradient->tensor.dims, v->tensor.dims, sizeof v->tensor.dims);
out:
    return status;
}

/* Exchanges the inputs' first extents with those given. */
static void exchange(int count, pdessm_tensor *const *inputs, int64_t *extents) {
    for (int i = 0; i < count; i++) {
        int64_t before = inputs[i]->dims[0];
        inputs[i]->dims[0] = extents[i];
        extents[i] = before;
    }
}

enum { MOST_INPUTS = 16 };

static pdessm_status check_inputs(pdessm_tape *tape, int count, pdessm_tensor *const *inputs,
                                  const int64_t *extents) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(tape->ctx, tape->planned, PDESSM_ERROR_ARGUMENT, "the tape is not planned yet");
    PDESSM_REQUIRE(tape->ctx, count >= 0 && count <= MOST_INPUTS, PDESSM_ERROR_ARGUMENT,
                   "%d inputs to resize at once, expected at most %d", count, MOST_INPUTS);
    for (int i = 0; i < count; i++) {
        const value *v = (const value *)inputs[i];
        PDESSM_REQUIRE(tape->ctx, v->pinned && !v->parent && !v->external && v->tensor.rank > 0,
                       PDESSM_ERROR_ARGUMENT, "tensor %d to resize is no input of the tape", i);
        int64_t others = pdessm_tensor_count(&v->tensor) / v->tensor.dims[0];
        int64_t most = (int64_t)(v->capacity / pdessm_dtype_size(v->tensor.dtype)) / others;
        PDESSM_REQUIRE(tape->ctx, extents[i] >= 1 && extents[i] <= most, PDESSM_ERROR_SHAPE,
                       "input %d: first extent %lld, expected 1 to %lld, which was planned", i,
                       (long long)extents[i], (long long)most);
    }
out:
    return status;
}

pdessm_status pdessm_tape_resize(pdessm_tape *tape, int count, pdessm_tensor *const *inputs,
                                 const int64_t *extents) {
    int64_t other[MOST_INPUTS];
    pdessm_status status = check_inputs(tape, count, inputs, extents);
    if (status != PDESSM_OK)
        return status;
    memcpy(other, extents, sizeof *extents * (size_t)count);
    exchange(count, inputs, other);
    status = propagate(tape);
    if (status != PDESSM_OK) {
        char message[sizeof tape->ctx->error];
        memcpy(message, tape->ctx->error, sizeof message);
        exchange(count, inputs, other);
        propagate(tape); /* succeeds, as it did before */
        memcpy(tape->ctx->error, message, sizeof message);
    }
    return status;
}
