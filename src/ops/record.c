/* SPDX-License-Identifier: MIT */
/* record.c: the public operators, each one step of the tape. */
#include <pdessm/ops.h>

#include "tape/tape.h"

#define APPLY(name, ...)                                                                           \
    pdessm_tape_apply(tape, PDESSM_OP_##name, (pdessm_tensor *[PDESSM_MAX_OPERANDS]){__VA_ARGS__}, \
                      NULL)

#define ATTRIBUTES(...) ((double[PDESSM_MAX_ATTRIBUTES]){__VA_ARGS__})

#define APPLY_WITH(name, attributes, ...)                                                          \
    pdessm_tape_apply(tape, PDESSM_OP_##name, (pdessm_tensor *[PDESSM_MAX_OPERANDS]){__VA_ARGS__}, \
                      attributes)

pdessm_tensor *pdessm_linear(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *weight,
                             pdessm_tensor *bias, int parts) {
    return APPLY_WITH(linear, ATTRIBUTES(parts), x, weight, bias);
}

pdessm_tensor *pdessm_layer_norm(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *shift,
                                 pdessm_tensor *scale) {
    return APPLY(layer_norm, x, shift, scale);
}

pdessm_tensor *pdessm_gelu(pdessm_tape *tape, pdessm_tensor *x) {
    return APPLY(gelu, x);
}

pdessm_tensor *pdessm_silu(pdessm_tape *tape, pdessm_tensor *x) {
    return APPLY(silu, x);
}

pdessm_tensor *pdessm_gate(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *z) {
    return APPLY(gate, a, z);
}

pdessm_tensor *pdessm_residual(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *gate,
                               pdessm_tensor *m) {
    return APPLY(residual, x, gate, m);
}

pdessm_tensor *pdessm_add(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *b) {
    return APPLY(add, a, b);
}

void pdessm_cdr_coefficients(pdessm_tape *tape, pdessm_tensor *raw_diffusion,
                             pdessm_tensor *raw_convection, pdessm_tensor *raw_reaction,
                             double b_max, pdessm_tensor **ret_diffusion,
                             pdessm_tensor **ret_convection, pdessm_tensor **ret_reaction) {
    pdessm_cdr_coefficients_on(tape, 1, raw_diffusion, raw_convection, raw_reaction, b_max,
                               ret_diffusion, ret_convection, ret_reaction);
}

void pdessm_cdr_coefficients_on(pdessm_tape *tape, double extent, pdessm_tensor *raw_diffusion,
                                pdessm_tensor *raw_convection, pdessm_tensor *raw_reaction,
                                double b_max, pdessm_tensor **ret_diffusion,
                                pdessm_tensor **ret_convection, pdessm_tensor **ret_reaction) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {raw_diffusion, raw_convection, raw_reaction};
    pdessm_tape_apply(tape, PDESSM_OP_cdr_coefficients, operand, ATTRIBUTES(b_max, extent));
    *ret_diffusion = operand[3];
    *ret_convection = operand[4];
    *ret_reaction = operand[5];
}

pdessm_tensor *pdessm_cdr_symbol(pdessm_tape *tape, pdessm_tensor *diffusion,
                                 pdessm_tensor *convection, pdessm_tensor *reaction,
                                 pdessm_tensor *weight, pdessm_tensor *skip, int64_t height,
                                 int64_t width, pdessm_solution solution) {
    return APPLY_WITH(cdr_symbol, ATTRIBUTES((double)height, (double)width, solution), diffusion,
                      convection, reaction, weight, skip);
}

pdessm_tensor *pdessm_spectral_filter(pdessm_tape *tape, pdessm_tensor *u, pdessm_tensor *symbol) {
    return APPLY(spectral_filter, u, symbol);
}

pdessm_tensor *pdessm_depthwise_conv(pdessm_tape *tape, pdessm_tensor *u, pdessm_tensor *weight,
                                     pdessm_tensor *bias) {
    return APPLY(depthwise_conv, u, weight, bias);
}

pdessm_tensor *pdessm_attention(pdessm_tape *tape, pdessm_tensor *qkv, int heads) {
    return APPLY_WITH(attention, ATTRIBUTES(heads), qkv);
}

pdessm_tensor *pdessm_patchify(pdessm_tape *tape, pdessm_tensor *image, int patch) {
    return APPLY_WITH(patchify, ATTRIBUTES(patch), image);
}

pdessm_tensor *pdessm_unpatchify(pdessm_tape *tape, pdessm_tensor *tokens, int patch,
                                 int64_t height, int64_t width) {
    return APPLY_WITH(unpatchify, ATTRIBUTES(patch, (double)height, (double)width), tokens);
}

pdessm_tensor *pdessm_timestep_embedding(pdessm_tape *tape, pdessm_tensor *t) {
    return APPLY_WITH(timestep_embedding, ATTRIBUTES(256), t);
}

pdessm_tensor *pdessm_gaussian_gain(pdessm_tape *tape, pdessm_tensor *t, int64_t width) {
    return APPLY_WITH(gaussian_gain, ATTRIBUTES((double)width), t);
}

pdessm_tensor *pdessm_embedding(pdessm_tape *tape, pdessm_tensor *table, pdessm_tensor *index) {
    return APPLY(embedding, table, index);
}

pdessm_tensor *pdessm_mse_loss(pdessm_tape *tape, pdessm_tensor *prediction,
                               pdessm_tensor *target) {
    return APPLY(mse_loss, prediction, target);
}

void pdessm_flow_path(pdessm_tape *tape, pdessm_tensor *data, pdessm_tensor *noise,
                      pdessm_tensor *t, pdessm_tensor **ret_x_t, pdessm_tensor **ret_v) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {data, noise, t};
    pdessm_tape_apply(tape, PDESSM_OP_flow_path, operand, NULL);
    *ret_x_t = operand[3];
    *ret_v = operand[4];
}

pdessm_tensor *pdessm_cross_entropy(pdessm_tape *tape, pdessm_tensor *logits, pdessm_tensor *labels,
                                    double smoothing) {
    return APPLY_WITH(cross_entropy, ATTRIBUTES(smoothing), logits, labels);
}

pdessm_tensor *pdessm_mean_tokens(pdessm_tape *tape, pdessm_tensor *x) {
    return APPLY(mean_tokens, x);
}

pdessm_tensor *pdessm_average_pool(pdessm_tape *tape, pdessm_tensor *u, double gain) {
    return APPLY_WITH(average_pool, ATTRIBUTES(gain), u);
}

pdessm_tensor *pdessm_corner(pdessm_tape *tape, pdessm_tensor *u, int64_t height, int64_t width) {
    return APPLY_WITH(corner, ATTRIBUTES((double)height, (double)width), u);
}

void pdessm_affine_coupling(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *parts, double bound,
                            int inverse, pdessm_tensor **ret_y, pdessm_tensor **ret_s) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {x, parts};
    pdessm_tape_apply(tape, PDESSM_OP_affine_coupling, operand, ATTRIBUTES(bound, inverse));
    *ret_y = operand[2];
    *ret_s = operand[3];
}

pdessm_tensor *pdessm_guide(pdessm_tape *tape, pdessm_tensor *v, double scale) {
    return APPLY_WITH(guide, ATTRIBUTES(scale), v);
}

pdessm_tensor *pdessm_landscape(pdessm_tape *tape, pdessm_tensor *x,
                                pdessm_landscape_function function, double weight, double width) {
    return APPLY_WITH(landscape, ATTRIBUTES(function, weight, width), x);
}

pdessm_tensor *pdessm_relu(pdessm_tape *tape, pdessm_tensor *x, double slope) {
    return APPLY_WITH(relu, ATTRIBUTES(slope), x);
}

pdessm_tensor *pdessm_dropout(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *node,
                              pdessm_tensor *clock, double rate, int layer, int rectify) {
    return APPLY_WITH(dropout, ATTRIBUTES(rate, layer, rectify), x, node, clock);
}

pdessm_tensor *pdessm_batch_norm(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *weight,
                                 pdessm_tensor *bias, pdessm_tensor *running, int training,
                                 double momentum, double epsilon) {
    return APPLY_WITH(batch_norm, ATTRIBUTES(training, momentum, epsilon), x, weight, bias,
                      running);
}

pdessm_tensor *pdessm_spmm(pdessm_tape *tape, const pdessm_pattern *pattern, pdessm_tensor *weight,
                           pdessm_tensor *x) {
    return APPLY(spmm, x, weight, pattern->start, pattern->column, pattern->reverse);
}

pdessm_tensor *pdessm_head_dot(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *a) {
    return APPLY(head_dot, x, a);
}

pdessm_tensor *pdessm_edge_softmax(pdessm_tape *tape, const pdessm_pattern *pattern,
                                   pdessm_tensor *left, pdessm_tensor *right, double slope) {
    return APPLY_WITH(edge_softmax, ATTRIBUTES(slope), left, right, pattern->start, pattern->column,
                      pattern->reverse);
}
