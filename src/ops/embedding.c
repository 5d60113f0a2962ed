/* SPDX-License-Identifier: MIT */
/* embedding.c: y[b] = table[index[b]]; an index outside of the table gives a row of NaN. */
#include "ops/op_support.h"

enum { TABLE, INDEX, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *table = call->operand[TABLE], *index = call->operand[INDEX];
    if (table->rank != 2)
        return refuse_shape(ctx, call, TABLE, "[rows, channels]");
    if (index->rank != 1)
        return refuse_shape(ctx, call, INDEX, "[batch]");
    ret[Y] = float_shape(2, (const int64_t[]){index->dims[0], table->dims[1]});
    return PDESSM_OK;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)(count(call, INDEX) * call->operand[TABLE]->dims[1]);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = back ? n : 0, .bytes = 8 * n};
    if (back && !adds(call, TABLE))
        ret->bytes += 4 * (double)count(call, TABLE);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[TABLE]->dims;
    host->fallback->embedding_forward(host->pool, d[0], d[1], count(call, INDEX), data(call, TABLE),
                                      pdessm_tensor_host(call->operand[INDEX]), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[TABLE]->dims;
    if (call->gradient[TABLE])
        host->fallback->embedding_backward(host->pool, d[0], d[1], count(call, INDEX),
                                           pdessm_tensor_host(call->operand[INDEX]), grad(call, Y),
                                           grad(call, TABLE), adds(call, TABLE));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int64_t *d = call->operand[TABLE]->dims;
    int64_t n = count(call, INDEX) * d[1];
    return launch_integers(launcher, call, "embedding_forward", n, 3,
                           (const int64_t[]){n, d[0], d[1]});
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const int64_t *d = call->operand[TABLE]->dims;
    if (!call->gradient[TABLE])
        return PDESSM_OK;
    if (!adds(call, TABLE))
        PDESSM_TRY(launch_elements(launcher, call, "embedding_zero", d[0] * d[1]));
    PDESSM_TRY(launch_integers(launcher, call, "embedding_backward", d[1], 3,
                               (const int64_t[]){count(call, INDEX), d[0], d[1]}));
out:
    return status;
}

/* Few rows, so that samples share them, or many. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t rows = pdessm_draw_extent(k, 1001, 1, 50); /* a network's classes and the null class */
    int64_t picked = size->batch * pdessm_case_tokens(size);
    PDESSM_SET(k, TABLE, NORMAL, 1, rows, pdessm_draw_extent(k, size->channels, 1, 300));
    PDESSM_SET(k, INDEX, INDEX, (double)rows, pdessm_draw_extent(k, picked, 1, 80));
    k->terms = k->operand[INDEX].dims[0];
    k->copied = Y;
}

const pdessm_descriptor pdessm_descriptor_embedding = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_embedding(pdessm_tape *tape, pdessm_tensor *table, pdessm_tensor *index) {
    return RECORD(embedding, table, index);
}
