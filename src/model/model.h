/* SPDX-License-Identifier: MIT */
/* model.h: inside of a model: its parameters in one arena, sorted by how they learn.
 *
 * The room `model` holds the diffusion transformer: configuration, parameters, blocks, files, and
 * in maps/ the invertible maps that it may be trained behind, as they are applied. It records on a
 * tape, and knows neither optimisers nor data sets nor how maps are fitted. */
#ifndef PDESSM_MODEL_MODEL_H
#define PDESSM_MODEL_MODEL_H

#include <pdessm/model.h>
#include <pdessm/safetensors.h>

#include "device/device.h"

/* How the optimiser treats a parameter; the arena is sorted by this, so that each group is one
 * contiguous range. */
typedef enum pdessm_group {
    PDESSM_GROUP_WEIGHTS, /* matrices of linear layers: weight decay applies */
    PDESSM_GROUP_PLAIN,   /* biases and embeddings */
    PDESSM_GROUP_PDE,     /* raw PDE coefficients: a separate learning rate */
    PDESSM_GROUP_FREE,    /* a free filter or convolution: likewise another */
    PDESSM_GROUPS
} pdessm_group;

/* How it begins (init.c). */
typedef enum pdessm_start {
    PDESSM_START_ZERO,
    PDESSM_START_ONE,
    PDESSM_START_IDENTITY,  /* a 3 x 3 window that changes nothing */
    PDESSM_START_XAVIER,    /* uniform, +-sqrt(6 / (fan in + fan out)) */
    PDESSM_START_EMBEDDING, /* normal, deviation 0.02 */
    PDESSM_START_DIFFUSION,
    PDESSM_START_CONVECTION,
    PDESSM_START_REACTION,
    PDESSM_START_MIXTURE, /* the weights w of the terms */
    PDESSM_START_SYMBOL,  /* of a free filter */
    PDESSM_START_WINDOW,  /* of a 3 x 3 convolution */
} pdessm_start;

typedef struct pdessm_parameter {
    char name[64];
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
    pdessm_group group;
    pdessm_start start;
    pdessm_tensor value, gradient; /* gradient.storage is NULL when the model has none */
} pdessm_parameter;

/* The parameters of a network in one storage, one segment each. */
typedef struct pdessm_arena {
    pdessm_storage *storage;
    pdessm_tensor all;                  /* the whole storage as one flat tensor */
    pdessm_tensor group[PDESSM_GROUPS]; /* storage == NULL: nothing in this group */
} pdessm_arena;

struct pdessm_model {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_config config;
    struct pdessm_precondition *precondition; /* a reference, or NULL */
    char *json; /* the configuration as it was read, so that unknown keys are kept; or NULL */
    int count;
    pdessm_parameter *parameter;
    pdessm_arena values, gradients;
    /* Positions of the token grids that tapes were recorded for. */
    struct pdessm_position {
        int64_t height, width;
        pdessm_tensor *table;
    } * position;
    int positions;
    /* What stands for parameters that are left out, shared by all tapes. */
    struct pdessm_constant {
        float number;
        pdessm_tensor *tensor;
    } * constant;
    int constants;
};

/* The list of parameters that a configuration means, sorted by group (parameters.c). */
pdessm_status pdessm_parameters_list(pdessm_context *ctx, const pdessm_config *config,
                                     pdessm_parameter **ret_list, int *ret_count);

/* Another arena laid out like the model's, for moments and averages (parameters.c). */
pdessm_status pdessm_arena_create(pdessm_model *model, pdessm_arena *ret);
/* The same for any list of parameters, sorted by group. */
pdessm_status pdessm_arena_create_for(pdessm_device *device, const pdessm_parameter *parameter,
                                      int count, pdessm_arena *ret);
void pdessm_arena_destroy(pdessm_arena *arena);
/* Parameter i's place in an arena of this layout. */
pdessm_tensor pdessm_arena_view(const pdessm_arena *arena, const pdessm_parameter *parameter,
                                int i);

/* What mixes tokens in that block (config.c). */
pdessm_mixer pdessm_config_mixer(const pdessm_config *config, int block);

/* NULL when there is none of that name. */
pdessm_parameter *pdessm_model_find(pdessm_model *model, const char *name);

/* The initial values of parameter number i into target (init.c). */
void pdessm_parameter_start(const pdessm_config *config, const pdessm_parameter *parameter,
                            uint64_t seed, float *target);

/* JSON that keeps base's unknown keys; base may be NULL (config.c). */
pdessm_status pdessm_config_to_json_over(pdessm_context *ctx, const pdessm_config *config,
                                         const char *base, char **ret_text);

/* Writes an arena's tensors under prefix + their names, with the configuration (file.c). */
typedef struct pdessm_named_arena {
    const char *prefix;
    const pdessm_arena *arena;
} pdessm_named_arena;
pdessm_status pdessm_arenas_save(pdessm_model *model, const pdessm_named_arena *arenas, int count,
                                 const char *path, const char *const (*extra)[2], int extras);
pdessm_status pdessm_arena_load(pdessm_model *model, const pdessm_safetensors *file,
                                const char *prefix, pdessm_arena *arena);

#endif
