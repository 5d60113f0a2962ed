/* SPDX-License-Identifier: MIT */
/* attention.c: softmax attention over the tokens of an image. */
#include <stdio.h>

#include "ops/op_support.h"

enum { QKV, Y, LSE };

static pdessm_attention_job sizes_of(const pdessm_call *call) {
    const pdessm_tensor *qkv = call->operand[QKV];
    pdessm_attention_job a = {.batch = qkv->dims[0], .tokens = qkv->dims[1]};
    a.heads = (int64_t)call->attribute[0];
    a.width = qkv->dims[2] / 3 / a.heads;
    return a;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *qkv = call->operand[QKV];
    pdessm_status status = PDESSM_OK;
    double heads = call->attribute[0];
    PDESSM_REQUIRE(ctx, qkv->rank == 3 && qkv->dims[2] % 3 == 0, PDESSM_ERROR_SHAPE,
                   "attention: operand qkv is %s, expected [batch, tokens, 3 channels]",
                   pdessm_tensor_shape(qkv).text);
    int64_t channels = qkv->dims[2] / 3;
    PDESSM_REQUIRE(ctx, heads >= 1 && heads <= (double)channels && heads == (double)(int64_t)heads,
                   PDESSM_ERROR_ARGUMENT,
                   "attention: heads = %g, expected a whole number between 1 and the %lld channels",
                   heads, (long long)channels);
    PDESSM_REQUIRE(ctx, channels % (int64_t)heads == 0, PDESSM_ERROR_SHAPE,
                   "attention: the %lld channels of qkv %s cannot be shared by %g heads",
                   (long long)channels, pdessm_tensor_shape(qkv).text, heads);
    ret[Y] = (pdessm_shape){
        .dtype = PDESSM_FLOAT32, .rank = 3, .dims = {qkv->dims[0], qkv->dims[1], channels}};
    ret[LSE] = (pdessm_shape){
        .dtype = PDESSM_FLOAT32, .rank = 3, .dims = {qkv->dims[0], (int64_t)heads, qkv->dims[1]}};
out:
    return status;
}

/* Two products of tokens x tokens x width forwards, five backwards, and the exponentials. */
static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    pdessm_attention_job a = sizes_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    double pairs = (double)(a.batch * a.heads) * (double)a.tokens * (double)a.tokens;
    double elements = (double)(a.batch * a.tokens * a.heads * a.width);
    *ret = (pdessm_cost){.flops = pairs * ((back ? 10 : 4) * (double)a.width + 20),
                         .bytes = 4 * elements * (back ? 8 : 4),
                         .host_scratch = host->fallback->attention_scratch(&a, back)};
}

/* ------------------------------------------------------------------ plain C */

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_attention_job a = sizes_of(call);
    a.qkv = data(call, QKV);
    host->fallback->attention_forward(host->pool, &a, data(call, Y), data(call, LSE));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (!call->gradient[QKV])
        return PDESSM_OK;
    pdessm_attention_job a = sizes_of(call);
    a.qkv = data(call, QKV);
    host->fallback->attention_backward(host->pool, &a, data(call, Y), data(call, LSE),
                                       grad(call, Y), grad(call, QKV), adds(call, QKV));
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ device */

/* Tokens are padded so that whole vectors can be read. */
enum { CPU_PAD = 32, MOST_KEYS = 32 };

/* Part of the device's local memory that the two tiles of a group may take, so that two groups fit
 * side by side where there is more than the 32 KB that every device has. */
enum { LOCAL_BYTES = 24576 };

/* Tokens of an item (CPU form) or group (GPU form), and tokens of a local tile (GPU form). */
enum { ROWS, GROUP, KEYS };

/* Tokens rounded up to a power of two, 4096 and more are one class; width of a head. */
static void classify(const pdessm_call *call, int64_t ret[PDESSM_CLASS_EXTENTS]) {
    pdessm_attention_job a = sizes_of(call);
    for (ret[0] = 1; ret[0] < a.tokens && ret[0] < 4096;)
        ret[0] *= 2;
    ret[1] = a.width;
    ret[2] = 0;
}

static int is_cpu(const pdessm_site *site) {
    return site->info && site->info->kind == PDESSM_DEVICE_OPENCL_CPU;
}

static int rows_apply(const pdessm_site *site, int64_t rows) {
    (void)rows;
    return is_cpu(site);
}

/* Measured on PoCL with AVX-512: 3 beat 4 by 1.1 backwards, 5 beat it by 1.08 forwards. */
static int64_t rows_standard(const pdessm_site *site) {
    return site->call->pass == PDESSM_BACKWARD ? 3 : 5;
}

static int group_applies(const pdessm_site *site, int64_t group) {
    return site->info && !is_cpu(site) && group <= site->info->max_work_group;
}

static int64_t group_standard(const pdessm_site *site) {
    return site->info->max_work_group < 64 ? site->info->max_work_group : 64;
}

/* Two tiles of rows in vectors of 4 floats. */
static int64_t tile_bytes(const pdessm_site *site, int64_t keys) {
    return keys * 2 * 16 * ((sizes_of(site->call).width + 3) / 4);
}

static int keys_apply(const pdessm_site *site, int64_t keys) {
    return site->info && !is_cpu(site) && tile_bytes(site, keys) <= site->info->local_memory;
}

static int64_t keys_standard(const pdessm_site *site) {
    int64_t keys = 1;
    while (2 * keys <= MOST_KEYS && tile_bytes(site, 2 * keys) <= LOCAL_BYTES)
        keys *= 2;
    return keys;
}

static const pdessm_tunable tunable = {
    .classify = classify,
    .count = 3,
    .choice = {[ROWS] = {"rows", {2, 3, 4, 5, 6, 8}, NULL, rows_apply, rows_standard},
               [GROUP] = {"group", {32, 64, 128, 256}, NULL, group_applies, group_standard},
               [KEYS] = {"keys", {4, 8, 16, 32, 64}, NULL, keys_apply, keys_standard}},
};

struct plan {
    pdessm_attention_job a;
    int64_t all, padded; /* heads of all images; tokens, rounded up */
    int64_t rows;        /* tokens of an item or group */
    int cpu;
    char options[64];
    size_t scratch_forward, scratch_backward;
};

static pdessm_status make_plan(const pdessm_call *call, const pdessm_launcher *l,
                               struct plan *ret) {
    struct plan p = {.a = sizes_of(call), .cpu = cpu_form(l)};
    pdessm_status status = PDESSM_OK;
    pdessm_site site = site_of(call, l);
    PDESSM_REQUIRE(l->ctx, p.cpu || tile_bytes(&site, 1) <= LOCAL_BYTES, PDESSM_ERROR_UNSUPPORTED,
                   "attention: heads of width %lld are too wide for the device's kernels",
                   (long long)p.a.width);
    p.rows = pdessm_choose(&site, p.cpu ? ROWS : GROUP);
    p.all = p.a.batch * p.a.heads;
    /* Whole pairs of vectors, and one more so that rows of panels do not share cache sets. */
    p.padded = (p.a.tokens + CPU_PAD - 1) / CPU_PAD * CPU_PAD + CPU_PAD / 2;
    snprintf(p.options, sizeof p.options, "-DWIDTH=%lld -DKEYS=%lld -DROWS=%lld",
             (long long)p.a.width, (long long)(p.cpu ? 1 : pdessm_choose(&site, KEYS)),
             (long long)p.rows);
    int64_t panels = p.cpu ? p.a.width * p.padded * p.all : 0;
    p.scratch_forward = (size_t)panels * sizeof(float);
    p.scratch_backward = (size_t)(2 * p.all * p.padded + 4 * panels) * sizeof(float);
    *ret = p;
out:
    return status;
}

/* One item (or, if grouped, group of as many items) for each `rows` tokens of each head; scalars:
 * tokens, heads, all, padded. */
static pdessm_status run(const pdessm_call *call, const pdessm_launcher *l, const struct plan *p,
                         const char *name, int64_t tokens, int64_t rows, int grouped) {
    pdessm_kernel kernel = {
        .name = name,
        .options = p->options,
        .dims = 2,
        .global = {(size_t)((tokens + rows - 1) / rows), (size_t)p->all},
        .scratch_bytes = call->pass == PDESSM_FORWARD ? p->scratch_forward : p->scratch_backward,
        .scalar_count = 4,
        .scalar = {scalar_int(p->a.tokens), scalar_int(p->a.heads), scalar_int(p->all),
                   scalar_int(p->padded)},
    };
    if (grouped) {
        kernel.global[0] *= (size_t)rows;
        kernel.local[0] = (size_t)rows;
        kernel.local[1] = 1;
    }
    return launch(l, call, &kernel);
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *l) {
    pdessm_status status = PDESSM_OK;
    struct plan p;
    PDESSM_TRY(make_plan(call, l, &p));
    if (p.cpu)
        PDESSM_TRY(run(call, l, &p, "attention_turn", p.padded, 16, 0));
    PDESSM_TRY(run(call, l, &p, "attention_forward", p.a.tokens, p.rows, !p.cpu));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *l) {
    pdessm_status status = PDESSM_OK;
    struct plan p;
    if (!call->gradient[QKV])
        return PDESSM_OK;
    PDESSM_TRY(make_plan(call, l, &p));
    PDESSM_TRY(run(call, l, &p, "attention_delta", p.a.tokens, 1, 0));
    if (p.cpu)
        PDESSM_TRY(run(call, l, &p, "attention_turn_all", p.padded, 16, 0));
    PDESSM_TRY(run(call, l, &p, "attention_dq", p.a.tokens, p.rows, !p.cpu));
    PDESSM_TRY(run(call, l, &p, "attention_dkv", p.a.tokens, p.rows, !p.cpu));
out:
    return status;
}

/* Any number of tokens, past one block of keys (512) and of queries (56) now and then, any width of
 * a head; large scores, whose softmax is nearly a choice, too. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    enum { HEAD_WIDTH = 64 };
    const int64_t channels = size->channels;
    const int large = pdessm_draw_whole(k, 0, 0, 9) == 9;
    int64_t heads =
        pdessm_draw_extent(k, channels % HEAD_WIDTH == 0 ? channels / HEAD_WIDTH : 1, 1, 4);
    int64_t width = pdessm_draw_extent(k, channels / heads, 1, large ? 5 : 70);
    int64_t n = pdessm_draw_extent(k, pdessm_case_tokens(size), 1,
                                   large        ? 600
                                   : width > 20 ? 40
                                                : 150);
    int64_t b = pdessm_draw_extent(k, size->batch, 1, large || n > 60 ? 1 : 3);
    double scale = pdessm_draw_coin(k, 1) ? 1 : pdessm_draw_real(k, 0, 0.1, 3);
    PDESSM_SET(k, QKV, NORMAL, scale, b, n, 3 * heads * width);
    k->attribute[0] = (double)heads;
    k->terms = n > width ? n : width;
    /* A rounding error of a score, which grows with it, is an error of its weight. */
    k->condition = 1 + scale * scale;
}

const pdessm_descriptor pdessm_descriptor_attention = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .tunable = &tunable,
    .draw = draw,
};

pdessm_tensor *pdessm_attention(pdessm_tape *tape, pdessm_tensor *qkv, int heads) {
    return RECORD_WITH(attention, ATTRIBUTES(heads), qkv);
}
