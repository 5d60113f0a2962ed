/* SPDX-License-Identifier: MIT */
/* model.h: the diffusion transformer: configuration, parameters, files, and its velocity field. */
#ifndef PDESSM_MODEL_H
#define PDESSM_MODEL_H

#include <pdessm/ops.h>
#include <pdessm/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What mixes tokens. pde: the paper's; attention: softmax attention. The other two stand between
 * the same projections and gate as pde, so that only the operator differs. filter: a complex
 * multiplier that is free for every frequency and channel, which belongs to the token grid it was
 * made for. conv: a 3 x 3 convolution of every channel, zero outside of the grid. */
#define PDESSM_MIXERS(X) X(PDE, "pde") X(ATTENTION, "attention") X(FILTER, "filter") X(CONV, "conv")
typedef enum pdessm_mixer {
#define X(id, name) PDESSM_MIXER_##id,
    PDESSM_MIXERS(X)
#undef X
} pdessm_mixer;
PDESSM_API const char *pdessm_mixer_name(pdessm_mixer value);
PDESSM_API pdessm_status pdessm_mixer_find(pdessm_context *ctx, const char *name,
                                           pdessm_mixer *ret);

/* What the network is for: the velocity of flow matching, or the class of an image. */
#define PDESSM_TASKS(X) X(VELOCITY, "velocity") X(CLASSIFY, "classify")
typedef enum pdessm_model_task {
#define X(id, name) PDESSM_TASK_##id,
    PDESSM_TASKS(X)
#undef X
} pdessm_model_task;
PDESSM_API const char *pdessm_model_task_name(pdessm_model_task value);
PDESSM_API pdessm_status pdessm_model_task_find(pdessm_context *ctx, const char *name,
                                                pdessm_model_task *ret);

/* In front of a mixer's operator: nothing, or a 3 x 3 convolution of each channel that starts as
 * identity. */
#define PDESSM_LOCALS(X) X(NONE, "none") X(CONV3X3, "conv3x3")
typedef enum pdessm_local {
#define X(id, name) PDESSM_LOCAL_##id,
    PDESSM_LOCALS(X)
#undef X
} pdessm_local;
PDESSM_API const char *pdessm_local_name(pdessm_local value);
PDESSM_API pdessm_status pdessm_local_find(pdessm_context *ctx, const char *name,
                                           pdessm_local *ret);

/* What lies around the image: its own copies, or zeros. The equation is then solved on a domain of
 * twice the side, and its coefficients mean the same. */
#define PDESSM_PADDINGS(X) X(PERIODIC, "periodic") X(ZERO, "zero")
typedef enum pdessm_padding {
#define X(id, name) PDESSM_PADDING_##id,
    PDESSM_PADDINGS(X)
#undef X
} pdessm_padding;
PDESSM_API const char *pdessm_padding_name(pdessm_padding value);
PDESSM_API pdessm_status pdessm_padding_find(pdessm_context *ctx, const char *name,
                                             pdessm_padding *ret);

/* What the network's answer u is added to: nothing, or the velocity of standard normal data, which
 * whitened images have up to their second moments: v = u + a(t) x_t (pdessm_gaussian_gain()). The
 * network begins at zero, so that training begins with the best affine velocity. The idea is the
 * skip connection of Karras et al., Elucidating the design space, 2022, equation 7. */
#define PDESSM_PRIORS(X) X(NONE, "none") X(GAUSSIAN, "gaussian")
typedef enum pdessm_prior {
#define X(id, name) PDESSM_PRIOR_##id,
    PDESSM_PRIORS(X)
#undef X
} pdessm_prior;
PDESSM_API const char *pdessm_prior_name(pdessm_prior value);
PDESSM_API pdessm_status pdessm_prior_find(pdessm_context *ctx, const char *name,
                                           pdessm_prior *ret);

/* Everything that decides the shapes. Tokens: H x W = image_size / patch; the mixer works on
 * expand * width channels with `states` convection-diffusion-reaction terms each. */
typedef struct pdessm_config {
    pdessm_mixer mixer;
    pdessm_model_task task;
    int width, depth, heads, patch, expand, states;
    pdessm_solution solution;
    int image_size[2]; /* height, width in pixels */
    int channels, num_classes;
    int reference_grid[2]; /* the token grid that positions refer to */
    double b_max;          /* largest convection, in image widths */
    /* Parts that 1 takes out: the gate of the mixer; of the pde mixer the convection, the reaction
     * and the D of its symbol. What is out has no parameters. */
    int no_gate, no_convection, no_reaction, no_skip;
    pdessm_local local;
    pdessm_padding padding; /* zero: of the pde mixer only */
    int attention_layers; /* this many blocks, evenly spaced, have attention instead of the mixer */
    pdessm_prior prior;   /* of the task velocity only */
} pdessm_config;

/* The configuration of a preset such as "pde-s/2" or "attn-nano/4" (mixer-size/patch; mixers pde,
 * attn, filter, conv; sizes nano, tiny, s, b, l, xl; patches 2, 4, 8) for 32 x 32 x 3 images of 10
 * classes; set image_size, channels and num_classes after it. reference_grid stays 0, which means:
 * the grid of image_size.
 */
PDESSM_API pdessm_status pdessm_config_preset(pdessm_context *ctx, const char *name,
                                              pdessm_config *ret);

/* Fills in reference_grid where it is 0 and refuses what cannot be built, naming the field. */
PDESSM_API pdessm_status pdessm_config_check(pdessm_context *ctx, pdessm_config *config);

/* As JSON, as files keep it. *ret_text is released with free(). from_json names a missing or absurd
 * key and does not mind unknown ones. */
PDESSM_API pdessm_status pdessm_config_to_json(pdessm_context *ctx, const pdessm_config *config,
                                               char **ret_text);
PDESSM_API pdessm_status pdessm_config_from_json(pdessm_context *ctx, const char *text,
                                                 pdessm_config *ret);

typedef struct pdessm_model pdessm_model;

/* A model with undefined parameters; with_gradients: it can be trained. */
PDESSM_API pdessm_status pdessm_model_create(pdessm_device *device, const pdessm_config *config,
                                             int with_gradients, pdessm_model **ret);
PDESSM_API void pdessm_model_destroy(pdessm_model **model);

/* The initial values of the paper's recipe, drawn by counter from the seed. */
PDESSM_API pdessm_status pdessm_model_init(pdessm_model *model, uint64_t seed);

/* Creates a model from a safetensors file (its metadata pdessm.config says which). ERROR_FILE names
 * a tensor that is missing, of the wrong shape, or not known. */
PDESSM_API pdessm_status pdessm_model_load(pdessm_device *device, const char *path,
                                           int with_gradients, pdessm_model **ret);
/* Writes all parameters. The file appears whole or not at all. */
PDESSM_API pdessm_status pdessm_model_save(pdessm_model *model, const char *path);

PDESSM_API const pdessm_config *pdessm_model_get_config(const pdessm_model *model);
/* Number of learnable numbers. */
PDESSM_API int64_t pdessm_model_parameter_count(const pdessm_model *model);

/* Parameters by index in [0, pdessm_model_tensors()), as files name them. Reading copies one out in
 * its file's shape; target holds the product of dims. */
PDESSM_API int pdessm_model_tensors(const pdessm_model *model);
PDESSM_API const char *pdessm_model_tensor_name(const pdessm_model *model, int index);
PDESSM_API int pdessm_model_tensor_shape(const pdessm_model *model, int index,
                                         int64_t dims[PDESSM_MAX_RANK]);
PDESSM_API pdessm_status pdessm_model_tensor_read(pdessm_model *model, int index, float *target);
/* Copies one in; tapes planned without a loss have to be told (pdessm_tape_invalidate()). */
PDESSM_API pdessm_status pdessm_model_tensor_write(pdessm_model *model, int index,
                                                   const float *source);
/* The same for its gradient: ERROR_ARGUMENT when the model has none. */
PDESSM_API pdessm_status pdessm_model_gradient_read(pdessm_model *model, int index, float *target);
PDESSM_API pdessm_status pdessm_model_gradients_zero(pdessm_model *model);

/* Records v_theta(x, t, y): x [B, channels, Hi, Wi], t [B], y int32 [B] (num_classes: the null
 * class) -> v [B, channels, Hi, Wi]. Hi and Wi may differ from the model's: the same coefficients
 * describe the same physical kernel on every grid. Only a model with the filter mixer refuses that
 * (ERROR_SHAPE). Behind a map (precondition.h)
 * x and v are what the map makes of images. */
PDESSM_API pdessm_tensor *pdessm_model_velocity(pdessm_model *model, pdessm_tape *tape,
                                                pdessm_tensor *x, pdessm_tensor *t,
                                                pdessm_tensor *y);

/* Records the class scores of images x [B, channels, Hi, Wi] by a model whose task is
 * PDESSM_TASK_CLASSIFY: logits [B, num_classes]. *ret_features, unless NULL: what the linear head
 * sees, [B, width], the mean over tokens after the last norm. */
PDESSM_API pdessm_tensor *pdessm_model_logits(pdessm_model *model, pdessm_tape *tape,
                                              pdessm_tensor *x, pdessm_tensor **ret_features);

/* Bytes needed to train (parameters, gradients, moments, average, activations) and to sample, for
 * a batch of images; counted by planning, without allocating. flops: floating point operations of
 * the batch, forward and backward to train, one network evaluation to sample; a multiply-add is
 * two. To sample from a classifier is to classify. */
typedef struct pdessm_memory_estimate {
    int64_t parameters, optimizer, activations, total, largest_buffer;
    double flops;
} pdessm_memory_estimate;
PDESSM_API pdessm_status pdessm_memory_to_train(pdessm_context *ctx, const pdessm_config *config,
                                                int batch, pdessm_memory_estimate *ret);
PDESSM_API pdessm_status pdessm_memory_to_sample(pdessm_context *ctx, const pdessm_config *config,
                                                 int batch, pdessm_memory_estimate *ret);

#ifdef __cplusplus
}
#endif
#endif
