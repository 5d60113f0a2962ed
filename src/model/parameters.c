/* SPDX-License-Identifier: MIT */
/* parameters.c: which parameters a network has, and their places in one arena. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* ------------------------------------------------------------------ the list */

typedef struct list {
    pdessm_parameter *item; /* NULL: only counting */
    int count;
} list;

static void put(list *l, pdessm_group group, pdessm_start start, int rank, const int64_t *dims,
                const char *format, ...) PDESSM_PRINTF(6, 7);

static void put(list *l, pdessm_group group, pdessm_start start, int rank, const int64_t *dims,
                const char *format, ...) {
    pdessm_parameter *p = l->item ? &l->item[l->count] : NULL;
    l->count++;
    if (!p)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->name, sizeof p->name, format, arguments);
    va_end(arguments);
    p->group = group;
    p->start = start;
    p->rank = rank;
    memcpy(p->dims, dims, sizeof *dims * (size_t)rank);
}

#define DIMS(...)                                                                                  \
    (const int64_t[]) {                                                                            \
        __VA_ARGS__                                                                                \
    }

/* y = x W^T + b: weight [out, in], bias [out]. */
static void put_linear(list *l, pdessm_start start, int64_t out, int64_t in, const char *name) {
    put(l, PDESSM_GROUP_WEIGHTS, start, 2, DIMS(out, in), "%s.weight", name);
    put(l, PDESSM_GROUP_PLAIN, PDESSM_START_ZERO, 1, DIMS(out), "%s.bias", name);
}

static void put_block_linear(list *l, pdessm_start start, int64_t out, int64_t in, int block,
                             const char *name) {
    char full[64];
    snprintf(full, sizeof full, "blocks.%d.%s", block, name);
    put_linear(l, start, out, in, full);
}

/* The raw coefficients of the equation. */
static void put_pde(list *l, const pdessm_config *c, int block) {
    int64_t inner = (int64_t)c->expand * c->width, states = c->states;
    const struct {
        const char *name;
        int there;
        pdessm_start start;
        int rank;
        int64_t dims[3];
    } raw[] = {
        {"diffusion", 1, PDESSM_START_DIFFUSION, 3, {inner, states, 3}},
        {"convection", !c->no_convection, PDESSM_START_CONVECTION, 3, {inner, states, 2}},
        {"reaction", !c->no_reaction, PDESSM_START_REACTION, 2, {inner, states}},
        {"weight", 1, PDESSM_START_MIXTURE, 2, {inner, states}},
        {"skip", !c->no_skip, PDESSM_START_ONE, 1, {inner}},
    };
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        if (raw[i].there)
            put(l, PDESSM_GROUP_PDE, raw[i].start, raw[i].rank, raw[i].dims,
                "blocks.%d.mixer.pde.%s", block, raw[i].name);
}

/* One multiplier for each frequency of the model's own token grid. */
static void put_filter(list *l, const pdessm_config *c, int block) {
    int64_t rows = c->image_size[0] / c->patch, columns = c->image_size[1] / c->patch;
    put(l, PDESSM_GROUP_FREE, PDESSM_START_SYMBOL, 4,
        DIMS(rows, columns / 2 + 1, (int64_t)c->expand * c->width, 2),
        "blocks.%d.mixer.filter.symbol", block);
}

static void put_conv(list *l, pdessm_start start, int64_t channels, int block, const char *name) {
    put(l, PDESSM_GROUP_FREE, start, 3, DIMS(channels, 3, 3), "blocks.%d.mixer.%s.weight", block,
        name);
    put(l, PDESSM_GROUP_FREE, PDESSM_START_ZERO, 1, DIMS(channels), "blocks.%d.mixer.%s.bias",
        block, name);
}

static void put_gated_mixer(list *l, const pdessm_config *c, int block) {
    int64_t width = c->width, inner = (int64_t)c->expand * c->width;
    put_block_linear(l, PDESSM_START_XAVIER, (c->no_gate ? 1 : 2) * inner, width, block,
                     "mixer.in_proj");
    put_block_linear(l, PDESSM_START_XAVIER, width, inner, block, "mixer.out_proj");
    if (c->local == PDESSM_LOCAL_CONV3X3)
        put_conv(l, PDESSM_START_IDENTITY, inner, block, "local");
    if (c->mixer == PDESSM_MIXER_FILTER)
        put_filter(l, c, block);
    else if (c->mixer == PDESSM_MIXER_CONV)
        put_conv(l, PDESSM_START_WINDOW, inner, block, "conv");
    else
        put_pde(l, c, block);
}

static void put_attention(list *l, const pdessm_config *c, int block) {
    int64_t width = c->width;
    put_block_linear(l, PDESSM_START_XAVIER, 3 * width, width, block, "attn.qkv");
    put_block_linear(l, PDESSM_START_XAVIER, width, width, block, "attn.proj");
}

static void put_block(list *l, const pdessm_config *c, int block) {
    int64_t width = c->width;
    put_block_linear(l, PDESSM_START_ZERO, 6 * width, width, block, "adaLN_modulation.1");
    if (pdessm_config_mixer(c, block) == PDESSM_MIXER_ATTENTION)
        put_attention(l, c, block);
    else
        put_gated_mixer(l, c, block);
    put_block_linear(l, PDESSM_START_XAVIER, 4 * width, width, block, "mlp.fc1");
    put_block_linear(l, PDESSM_START_XAVIER, width, 4 * width, block, "mlp.fc2");
}

/* Time and label make the condition of all blocks; a classifier has one that it learns. */
static void put_condition(list *l, const pdessm_config *c) {
    int64_t width = c->width;
    if (c->task == PDESSM_TASK_CLASSIFY) {
        put(l, PDESSM_GROUP_PLAIN, PDESSM_START_EMBEDDING, 1, DIMS(width), "condition");
        return;
    }
    put_linear(l, PDESSM_START_XAVIER, width, 256, "t_embedder.mlp.0");
    put_linear(l, PDESSM_START_XAVIER, width, width, "t_embedder.mlp.2");
    put(l, PDESSM_GROUP_PLAIN, PDESSM_START_EMBEDDING, 2, DIMS((int64_t)c->num_classes + 1, width),
        "y_embedder.embedding_table.weight");
}

static void put_head(list *l, const pdessm_config *c) {
    int64_t width = c->width, patch = c->patch;
    if (c->task == PDESSM_TASK_CLASSIFY) {
        put_linear(l, PDESSM_START_XAVIER, c->num_classes, width, "classifier");
        return;
    }
    put_linear(l, PDESSM_START_ZERO, 2 * width, width, "final_layer.adaLN_modulation.1");
    put_linear(l, PDESSM_START_ZERO, patch * patch * c->channels, width, "final_layer.linear");
}

static void put_network(list *l, const pdessm_config *c) {
    int64_t width = c->width, patch = c->patch;
    put(l, PDESSM_GROUP_WEIGHTS, PDESSM_START_XAVIER, 4, DIMS(width, c->channels, patch, patch),
        "x_embedder.proj.weight");
    put(l, PDESSM_GROUP_PLAIN, PDESSM_START_ZERO, 1, DIMS(width), "x_embedder.proj.bias");
    put_condition(l, c);
    for (int i = 0; i < c->depth; i++)
        put_block(l, c, i);
    put_head(l, c);
}

pdessm_status pdessm_parameters_list(pdessm_context *ctx, const pdessm_config *config,
                                     pdessm_parameter **ret_list, int *ret_count) {
    list all = {0};
    pdessm_parameter *sorted = NULL;
    pdessm_status status = PDESSM_OK;
    put_network(&all, config);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)all.count, sizeof *all.item, &all.item));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)all.count, sizeof *sorted, &sorted));
    all.count = 0;
    put_network(&all, config);
    int count = 0;
    for (int group = 0; group < PDESSM_GROUPS; group++)
        for (int i = 0; i < all.count; i++)
            if ((int)all.item[i].group == group)
                sorted[count++] = all.item[i];
    *ret_list = sorted;
    *ret_count = count;
    sorted = NULL;
out:
    free(sorted);
    free(all.item);
    return status;
}

/* ------------------------------------------------------------------ arenas */

static size_t parameter_bytes(const pdessm_parameter *p) {
    size_t n = sizeof(float);
    for (int i = 0; i < p->rank; i++)
        n *= (size_t)p->dims[i];
    return n;
}

/* A flat tensor over segments first .. first + count - 1, padding between them included. */
static pdessm_tensor flat(pdessm_storage *storage, int first, int count) {
    size_t begin = storage->segment[first].offset;
    size_t end =
        first + count < storage->segments ? storage->segment[first + count].offset : storage->bytes;
    return (pdessm_tensor){.storage = storage,
                           .offset = begin,
                           .first_segment = first,
                           .segments = count,
                           .rank = 1,
                           .dims = {(int64_t)((end - begin) / sizeof(float))}};
}

pdessm_status pdessm_arena_create_for(pdessm_device *device, const pdessm_parameter *parameter,
                                      int count, pdessm_arena *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_arena arena = {0};
    size_t *sizes = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)count, sizeof *sizes, &sizes));
    for (int i = 0; i < count; i++)
        sizes[i] = parameter_bytes(&parameter[i]);
    PDESSM_TRY(pdessm_storage_create(device, count, sizes, &arena.storage));
    PDESSM_TRY(pdessm_storage_commit(arena.storage));
    arena.all = flat(arena.storage, 0, count);
    for (int i = 0, group = 0; group < PDESSM_GROUPS; group++) {
        int first = i;
        while (i < count && (int)parameter[i].group == group)
            i++;
        if (i > first)
            arena.group[group] = flat(arena.storage, first, i - first);
    }
    /* Padding is read by the operators that take the arena as a whole, so it must be numbers. */
    PDESSM_TRY(pdessm_tensor_zero(&arena.all));
    *ret = arena;
    arena.storage = NULL;
out:
    pdessm_arena_destroy(&arena);
    free(sizes);
    return status;
}

pdessm_status pdessm_arena_create(pdessm_model *model, pdessm_arena *ret) {
    return pdessm_arena_create_for(model->device, model->parameter, model->count, ret);
}

void pdessm_arena_destroy(pdessm_arena *arena) {
    pdessm_storage_destroy(&arena->storage);
}

pdessm_tensor pdessm_arena_view(const pdessm_arena *arena, const pdessm_parameter *parameter,
                                int i) {
    pdessm_tensor t = {.storage = arena->storage,
                       .offset = arena->storage->segment[i].offset,
                       .first_segment = i,
                       .segments = 1,
                       .rank = parameter->rank};
    memcpy(t.dims, parameter->dims, sizeof t.dims);
    return t;
}
