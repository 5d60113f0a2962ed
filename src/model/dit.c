/* SPDX-License-Identifier: MIT */
/* dit.c: the diffusion transformer with adaptive layer norm, forward only; the tape derives the
 * rest. Shapes: B images, N = H W tokens of an image, C channels. */
#include "model/build.h"
#include "tape/tape.h"

/* tokens: patches W_e + b_e + pos, [B, N, C]. */
static pdessm_tensor *embed_patches(const pdessm_builder *b, pdessm_tensor *image) {
    pdessm_tape *tape = b->tape;
    const pdessm_config *c = &b->model->config;
    int64_t flat[] = {c->width, (int64_t)c->channels * c->patch * c->patch};
    pdessm_tensor *weight = pdessm_build_weight(b, "x_embedder.proj.weight"); /* [C, Cin, p, p] */
    pdessm_tensor *tokens = pdessm_linear(tape, pdessm_patchify(tape, image, c->patch),
                                          pdessm_reshape(tape, weight, 2, flat),
                                          pdessm_build_weight(b, "x_embedder.proj.bias"), 1);
    return pdessm_add(tape, tokens, pdessm_build_position(b));
}

/* c = W2 silu(W1 e(t) + b1) + b2 + table[y], [B, C]; everything below uses silu(c). */
static pdessm_tensor *condition(const pdessm_builder *b, pdessm_tensor *t, pdessm_tensor *y) {
    pdessm_tape *tape = b->tape;
    pdessm_tensor *hidden =
        pdessm_build_linear(b, pdessm_timestep_embedding(tape, t), 1, "t_embedder.mlp.0");
    pdessm_tensor *time = pdessm_build_linear(b, pdessm_silu(tape, hidden), 1, "t_embedder.mlp.2");
    pdessm_tensor *label =
        pdessm_embedding(tape, pdessm_build_weight(b, "y_embedder.embedding_table.weight"), y);
    return pdessm_silu(tape, pdessm_add(tape, time, label));
}

static pdessm_tensor *mlp(const pdessm_builder *b, int i, pdessm_tensor *h) {
    pdessm_tensor *hidden = pdessm_build_linear(b, h, 1, "blocks.%d.mlp.fc1", i);
    return pdessm_build_linear(b, pdessm_gelu(b->tape, hidden), 1, "blocks.%d.mlp.fc2", i);
}

/* x [B, N, C], silu(c) [B, C] -> [B, N, C]. */
static pdessm_tensor *block(const pdessm_builder *b, int i, pdessm_tensor *x, pdessm_tensor *c) {
    pdessm_tape *tape = b->tape;
    pdessm_tensor *m = pdessm_build_linear(b, c, 6, "blocks.%d.adaLN_modulation.1", i);
    pdessm_tensor *s1 = pdessm_slice(tape, m, 0), *a1 = pdessm_slice(tape, m, 1);
    pdessm_tensor *g1 = pdessm_slice(tape, m, 2), *s2 = pdessm_slice(tape, m, 3);
    pdessm_tensor *a2 = pdessm_slice(tape, m, 4), *g2 = pdessm_slice(tape, m, 5);
    x = pdessm_residual(tape, x, g1, pdessm_build_mixer(b, i, pdessm_layer_norm(tape, x, s1, a1)));
    x = pdessm_residual(tape, x, g2, mlp(b, i, pdessm_layer_norm(tape, x, s2, a2)));
    return x;
}

/* (LN(x) (1 + a) + s) W_o + b_o, and back to an image [B, Cout, Hi, Wi]. */
static pdessm_tensor *head(const pdessm_builder *b, pdessm_tensor *x, pdessm_tensor *c) {
    pdessm_tape *tape = b->tape;
    int patch = b->model->config.patch;
    pdessm_tensor *m = pdessm_build_linear(b, c, 2, "final_layer.adaLN_modulation.1");
    pdessm_tensor *h =
        pdessm_layer_norm(tape, x, pdessm_slice(tape, m, 0), pdessm_slice(tape, m, 1));
    return pdessm_unpatchify(tape, pdessm_build_linear(b, h, 1, "final_layer.linear"), patch,
                             b->height * patch, b->width * patch);
}

/* u + a(t) x. A row of pixels stands for the channels that a residual has one gain for. */
static pdessm_tensor *add_prior(const pdessm_builder *b, pdessm_tensor *x, pdessm_tensor *t,
                                pdessm_tensor *u) {
    pdessm_tape *tape = b->tape;
    const int64_t rows[] = {x->dims[0], x->dims[1] * x->dims[2], x->dims[3]};
    pdessm_tensor *v =
        pdessm_residual(tape, pdessm_reshape(tape, u, 3, rows),
                        pdessm_gaussian_gain(tape, t, rows[2]), pdessm_reshape(tape, x, 3, rows));
    return pdessm_reshape(tape, v, 4, x->dims);
}

/* Do images of this shape fit? */
static pdessm_status check_images(const pdessm_model *model, const pdessm_tensor *x) {
    const pdessm_config *config = &model->config;
    const int *size = config->image_size;
    if (x->rank != 4 || x->dims[1] != config->channels || x->dims[2] % config->patch ||
        x->dims[3] % config->patch)
        return pdessm_fail(
            model->ctx, PDESSM_ERROR_SHAPE,
            "images %s do not fit the model: expected [B, %d, H, W] with H and W multiples of "
            "the patch %d",
            pdessm_tensor_shape(x).text, config->channels, config->patch);
    if (config->mixer == PDESSM_MIXER_FILTER && (x->dims[2] != size[0] || x->dims[3] != size[1]))
        return pdessm_fail(
            model->ctx, PDESSM_ERROR_SHAPE,
            "images %s do not fit the model: its free filter belongs to one token grid; expected "
            "%d x %d pixels, or a model with the mixer pde, attn or conv",
            pdessm_tensor_shape(x).text, size[0], size[1]);
    return PDESSM_OK;
}

static pdessm_builder builder(pdessm_model *model, pdessm_tape *tape, const pdessm_tensor *x) {
    int64_t patch = model->config.patch;
    return (pdessm_builder){.model = model,
                            .tape = tape,
                            .batch = x->dims[0],
                            .height = x->dims[2] / patch,
                            .width = x->dims[3] / patch};
}

static pdessm_tensor *blocks(const pdessm_builder *b, pdessm_tensor *tokens, pdessm_tensor *c) {
    for (int i = 0; i < b->model->config.depth; i++)
        tokens = block(b, i, tokens, c);
    return tokens;
}

static pdessm_status check_task(const pdessm_model *model, pdessm_model_task wanted) {
    if (model->config.task == wanted)
        return PDESSM_OK;
    return pdessm_fail(
        model->ctx, PDESSM_ERROR_ARGUMENT,
        wanted == PDESSM_TASK_CLASSIFY
            ? "the model draws images (task velocity) and knows no classes; expected "
              "a classifier (task classify)"
            : "the model is a classifier (task classify) and draws no images; "
              "expected a model of task velocity");
}

pdessm_tensor *pdessm_model_velocity(pdessm_model *model, pdessm_tape *tape, pdessm_tensor *x,
                                     pdessm_tensor *t, pdessm_tensor *y) {
    pdessm_status status = PDESSM_OK;
    if (!x || !t || !y)
        return NULL;
    PDESSM_TRY(check_task(model, PDESSM_TASK_VELOCITY));
    PDESSM_TRY(check_images(model, x));
    const pdessm_builder b = builder(model, tape, x);
    pdessm_tensor *tokens = embed_patches(&b, x);
    pdessm_tensor *c = condition(&b, t, y);
    pdessm_tensor *u = head(&b, blocks(&b, tokens, c), c);
    return model->config.prior == PDESSM_PRIOR_GAUSSIAN ? add_prior(&b, x, t, u) : u;
out:
    return pdessm_tape_fail(tape, status);
}

/* silu(c) of a classifier, the same for all images: [B, C]. */
static pdessm_tensor *learned_condition(const pdessm_builder *b) {
    const int64_t dims[] = {b->batch, b->model->config.width};
    return pdessm_silu(b->tape, pdessm_add(b->tape, pdessm_build_constant(b, 0, 2, dims),
                                           pdessm_build_weight(b, "condition")));
}

pdessm_tensor *pdessm_model_logits(pdessm_model *model, pdessm_tape *tape, pdessm_tensor *x,
                                   pdessm_tensor **ret_features) {
    pdessm_status status = PDESSM_OK;
    if (!x)
        return NULL;
    PDESSM_TRY(check_task(model, PDESSM_TASK_CLASSIFY));
    PDESSM_TRY(check_images(model, x));
    const pdessm_builder b = builder(model, tape, x);
    pdessm_tensor *tokens = embed_patches(&b, x);
    tokens = blocks(&b, tokens, learned_condition(&b));
    pdessm_tensor *features = pdessm_mean_tokens(tape, pdessm_layer_norm(tape, tokens, NULL, NULL));
    pdessm_tensor *logits = pdessm_build_linear(&b, features, 1, "classifier");
    if (ret_features && logits)
        *ret_features = features;
    return logits;
out:
    return pdessm_tape_fail(tape, status);
}
