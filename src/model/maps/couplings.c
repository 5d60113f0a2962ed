/* SPDX-License-Identifier: MIT */
/* couplings.c: coupling layers: half l mod 2 of the numbers is stretched and moved by what a small
 * network makes of the other half, u, and the label:
 *     (r, t) = W3 gelu(W2 gelu(W1 u + E_label) + b2) + b3,  s = tanh(r),  y = x exp(s) + t. */
#include "model/maps/couplings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/ops.h>

/* ------------------------------------------------------------------ halves */

/* Where the numbers of the halves lie in an image: the even fields, then the odd ones. */
static void find_fields(const pdessm_precondition_info *info, int64_t even, int64_t *ret) {
    int64_t *at[2] = {ret, ret + even}, place = 0;
    for (int64_t c = 0; c < info->channels; c++)
        for (int64_t row = 0; row < info->height; row++)
            for (int64_t column = 0; column < info->width; column++)
                *at[(c + row + column) % 2]++ = place++;
}

void pdessm_realnvp_split(const pdessm_realnvp *network, int64_t n, const float *images,
                          float *const ret_half[2]) {
    const int64_t even = network->half[0], odd = network->half[1], *field = network->field;
    for (int64_t i = 0; i < n; i++) {
        const float *image = images + i * (even + odd);
        for (int64_t k = 0; k < even; k++)
            ret_half[0][i * even + k] = image[field[k]];
        for (int64_t k = 0; k < odd; k++)
            ret_half[1][i * odd + k] = image[field[even + k]];
    }
}

void pdessm_realnvp_join(const pdessm_realnvp *network, int64_t n, float *const half[2],
                         float *ret) {
    const int64_t even = network->half[0], odd = network->half[1], *field = network->field;
    for (int64_t i = 0; i < n; i++) {
        float *image = ret + i * (even + odd);
        for (int64_t k = 0; k < even; k++)
            image[field[k]] = half[0][i * even + k];
        for (int64_t k = 0; k < odd; k++)
            image[field[even + k]] = half[1][i * odd + k];
    }
}

/* ------------------------------------------------------------------ parameters */

/* Of one layer, in the order of the file. */
enum { INPUT, LABEL, MIDDLE, MIDDLE_BIAS, OUTPUT, OUTPUT_BIAS, KINDS };

/* The field of the first number of an image is even. */
int64_t pdessm_realnvp_half(const pdessm_precondition_info *info, int odd) {
    const int64_t all = info->channels * info->height * info->width;
    return odd ? all / 2 : all - all / 2;
}

static pdessm_parameter describe(const pdessm_precondition_info *info, int64_t layer, int kind) {
    const int64_t changed = pdessm_realnvp_half(info, (int)(layer % 2));
    const int64_t seen = pdessm_realnvp_half(info, (int)((layer + 1) % 2));
    const int64_t hidden = info->hidden;
    const struct {
        const char *name;
        pdessm_start start;
        int rank;
        int64_t dims[2];
    } kinds[KINDS] = {
        [INPUT] = {"input.weight", PDESSM_START_XAVIER, 2, {hidden, seen}},
        [LABEL] = {"label.weight", PDESSM_START_EMBEDDING, 2, {info->classes, hidden}},
        [MIDDLE] = {"middle.weight", PDESSM_START_XAVIER, 2, {hidden, hidden}},
        [MIDDLE_BIAS] = {"middle.bias", PDESSM_START_ZERO, 1, {hidden}},
        [OUTPUT] = {"output.weight", PDESSM_START_ZERO, 2, {2 * changed, hidden}},
        [OUTPUT_BIAS] = {"output.bias", PDESSM_START_ZERO, 1, {2 * changed}},
    };
    pdessm_parameter p = {
        .rank = kinds[kind].rank, .group = PDESSM_GROUP_WEIGHTS, .start = kinds[kind].start};
    memcpy(p.dims, kinds[kind].dims, sizeof kinds[kind].dims);
    snprintf(p.name, sizeof p.name, "layers.%lld.%s", (long long)layer, kinds[kind].name);
    return p;
}

int64_t pdessm_realnvp_numbers(const pdessm_precondition_info *info) {
    int64_t n = 0;
    for (int64_t layer = 0; layer < info->layers; layer++)
        for (int kind = 0; kind < KINDS; kind++) {
            const pdessm_parameter p = describe(info, layer, kind);
            n += p.dims[0] * (p.rank == 2 ? p.dims[1] : 1);
        }
    return n;
}

pdessm_status pdessm_realnvp_create(pdessm_device *device, const pdessm_precondition_info *info,
                                    int with_gradients, pdessm_realnvp **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_realnvp *n = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *n, &n));
    *n = (pdessm_realnvp){.device = device, .info = *info, .count = (int)info->layers * KINDS};
    for (int odd = 0; odd < 2; odd++)
        n->half[odd] = pdessm_realnvp_half(info, odd);
    PDESSM_TRY(
        pdessm_alloc(device->ctx, (size_t)(n->half[0] + n->half[1]), sizeof *n->field, &n->field));
    find_fields(info, n->half[0], n->field);
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)n->count, sizeof *n->parameter, &n->parameter));
    for (int i = 0; i < n->count; i++)
        n->parameter[i] = describe(info, i / KINDS, i % KINDS);
    PDESSM_TRY(pdessm_arena_create_for(device, n->parameter, n->count, &n->values));
    if (with_gradients)
        PDESSM_TRY(pdessm_arena_create_for(device, n->parameter, n->count, &n->gradients));
    for (int i = 0; i < n->count; i++) {
        pdessm_parameter *p = &n->parameter[i];
        p->value = pdessm_arena_view(&n->values, p, i);
        if (with_gradients)
            p->gradient = pdessm_arena_view(&n->gradients, p, i);
    }
    *ret = n;
    n = NULL;
out:
    pdessm_realnvp_destroy(&n);
    return status;
}

void pdessm_realnvp_destroy(pdessm_realnvp **network) {
    pdessm_realnvp *n = *network;
    if (!n)
        return;
    pdessm_arena_destroy(&n->values);
    pdessm_arena_destroy(&n->gradients);
    free(n->parameter);
    free(n->field);
    free(n);
    *network = NULL;
}

pdessm_status pdessm_realnvp_init(pdessm_realnvp *network, uint64_t seed) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL, *to;
    PDESSM_TRY(pdessm_alloc(network->device->ctx, (size_t)pdessm_realnvp_numbers(&network->info),
                            sizeof *values, &values));
    to = values;
    for (int i = 0; i < network->count; i++) {
        pdessm_parameter_start(NULL, &network->parameter[i], seed, to);
        to += pdessm_tensor_count(&network->parameter[i].value);
    }
    PDESSM_TRY(pdessm_realnvp_write(network, values));
out:
    free(values);
    return status;
}

pdessm_status pdessm_realnvp_write(pdessm_realnvp *network, const float *values) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < network->count; i++) {
        PDESSM_TRY(pdessm_tensor_write(&network->parameter[i].value, values));
        values += pdessm_tensor_count(&network->parameter[i].value);
    }
out:
    return status;
}

pdessm_status pdessm_realnvp_read(pdessm_realnvp *network, float *ret) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < network->count; i++) {
        PDESSM_TRY(pdessm_tensor_read(&network->parameter[i].value, ret));
        ret += pdessm_tensor_count(&network->parameter[i].value);
    }
out:
    return status;
}

/* ------------------------------------------------------------------ the tape */

static pdessm_tensor *weight(pdessm_realnvp *n, pdessm_tape *tape, int64_t layer, int kind) {
    pdessm_parameter *p = &n->parameter[layer * KINDS + kind];
    return pdessm_tape_parameter(tape, &p->value, p->gradient.storage ? &p->gradient : NULL);
}

/* u [B, seen] -> (r, t) [2, B, changed] */
static pdessm_tensor *conditioner(pdessm_realnvp *n, pdessm_tape *tape, int64_t layer,
                                  pdessm_tensor *u, pdessm_tensor *label) {
    pdessm_tensor *h = pdessm_linear(tape, u, weight(n, tape, layer, INPUT), NULL, 1);
    pdessm_tensor *e = pdessm_embedding(tape, weight(n, tape, layer, LABEL), label);
    h = pdessm_gelu(tape, pdessm_add(tape, h, e));
    h = pdessm_gelu(tape, pdessm_linear(tape, h, weight(n, tape, layer, MIDDLE),
                                        weight(n, tape, layer, MIDDLE_BIAS), 1));
    return pdessm_linear(tape, h, weight(n, tape, layer, OUTPUT),
                         weight(n, tape, layer, OUTPUT_BIAS), 2);
}

void pdessm_realnvp_record(pdessm_realnvp *network, pdessm_tape *tape,
                           pdessm_map_direction direction, pdessm_tensor *const x[2],
                           pdessm_tensor *label, pdessm_tensor *ret_y[2], pdessm_tensor *ret_s[2]) {
    const int back = direction == PDESSM_MAP_INVERT;
    const int64_t layers = network->info.layers;
    for (int i = 0; i < 2; i++) {
        ret_y[i] = x[i];
        ret_s[i] = NULL;
    }
    for (int64_t i = 0; i < layers; i++) {
        const int64_t layer = back ? layers - 1 - i : i;
        const int changed = (int)(layer % 2);
        pdessm_tensor *parts = conditioner(network, tape, layer, ret_y[!changed], label), *s;
        pdessm_affine_coupling(tape, ret_y[changed], parts, PDESSM_REALNVP_BOUND, back,
                               &ret_y[changed], &s);
        ret_s[changed] = ret_s[changed] ? pdessm_add(tape, ret_s[changed], s) : s;
    }
}
