/* SPDX-License-Identifier: MIT */
/* settings.c: the table of settings, and what the library makes of them. */
#include "settings.h"

#include <stdint.h>
#include <string.h>

cli_settings pdessm_cli_settings_begin(void) {
    const pdessm_train_options d = pdessm_train_defaults();
    return (cli_settings){
        .steps = d.steps,
        .batch = d.batch,
        .accumulate = d.accumulate,
        .warmup = d.warmup,
        .rate = d.rate,
        .final_rate = d.final_rate,
        .weight_decay = d.weight_decay,
        .clip = d.clip,
        .ema = d.ema,
        .label_dropout = d.label_dropout,
        .label_smoothing = d.label_smoothing,
        .pde_rate_scale = d.pde_rate_scale,
        .filter_rate_scale = d.filter_rate_scale,
        .schedule = (int)d.schedule,
        .time_law = (int)d.time_law,
        .flip = d.flip,
        .coupling = (int)d.coupling,
        .reflow_solver = "heun",
        .reflow_pairs = 20000,
        .reflow_steps = 25,
        .precondition_epsilon = 1e-3,
        .precondition_steps = 1000,
        .save_every = 1000,
        .keep = 3,
        .sample_every = 1000,
        .log_every = 10,
        .evaluate_every = 1000,
    };
}

cli_settings pdessm_cli_settings_for(int task) {
    cli_settings s = pdessm_cli_settings_begin();
    s.task = task;
    if (task == PDESSM_TASK_CLASSIFY) {
        s.weight_decay = 0.05;
        s.sample_every = 0;
    }
    return s;
}

/* ------------------------------------------------------------------ the table */

/* Choices are listed in the order of the library's enums. */
static int data_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"data", 0, CLI_TEXT, &s->data, "DATA",
         "shapes, fashion-mnist, or a path (IDX, CIFAR, folder of images, npy, npz, safetensors)"},
        {"split", 0, CLI_CHOICE, &s->split, "train|test", "which part of the data", 0, 0,
         "train test"},
        {"limit", 0, CLI_WHOLE, &s->limit, "N", "only the first N images (0: all)",
         .zero_is_unset = 1},
        {"image-size", 0, CLI_SIZE, s->image_size, "HxW", "size to train at (the data's)", 1,
         1 << 14, .fixed = 1},
        {"fit", 0, CLI_CHOICE, &s->fit, "error|resize|pad|crop",
         "what to do with images of another size", 0, 0, "error resize pad crop"},
        {"channels", 0, CLI_WHOLE, &s->channels, "N", "1 gray, 3 colour (the data's)", 0, 4096,
         .fixed = 1, .zero_is_unset = 1},
        {"layout", 0, CLI_CHOICE, &s->layout, "auto|nchw|nhwc", "axes of .npy and .npz", 0, 0,
         "auto nchw nhwc"},
        {"flip", 0, CLI_FLAG, &s->flip, NULL, "mirror half of the images"},
        {"shift", 0, CLI_WHOLE, &s->shift, "N", "move images by up to N pixels each way (0)", 0,
         1 << 14},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int model_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"task", 0, CLI_CHOICE, &s->task, "velocity|classify",
         "what to learn: flow matching, or the classes of images (velocity)", 0, 0,
         "velocity classify", .fixed = 1},
        {"model", 'm', CLI_TEXT, &s->model, "PRESET",
         "MIXER-SIZE/PATCH such as pde-nano/4 or attn-s/2; mixers pde, attn, filter, conv", 0, 0,
         .fixed = 1},
        {"states", 0, CLI_WHOLE, &s->states, "N", "terms for each channel (8)", 0, 4096, .fixed = 1,
         .zero_is_unset = 1},
        {"solution", 0, CLI_CHOICE, &s->solution, "evolve|forced", "of the equation (evolve)", 0, 0,
         "preset evolve forced", .fixed = 1, .zero_is_unset = 1},
        {"depth", 0, CLI_WHOLE, &s->depth, "N", "blocks (the preset's)", 0, 4096, .fixed = 1,
         .zero_is_unset = 1},
        {"width", 0, CLI_WHOLE, &s->width, "N", "channels (the preset's)", 0, 65536, .fixed = 1,
         .zero_is_unset = 1},
        {"heads", 0, CLI_WHOLE, &s->heads, "N", "attention heads (the preset's)", 0, 4096,
         .fixed = 1, .zero_is_unset = 1},
        {"no-gate", 0, CLI_FLAG, &s->no_gate, NULL, "mixer without its gate silu(z)", .fixed = 1},
        {"no-convection", 0, CLI_FLAG, &s->no_convection, NULL, "b = 0 in the equation",
         .fixed = 1},
        {"no-reaction", 0, CLI_FLAG, &s->no_reaction, NULL, "r = 0 in the equation", .fixed = 1},
        {"no-skip", 0, CLI_FLAG, &s->no_skip, NULL, "D = 0 in the symbol", .fixed = 1},
        {"local", 0, CLI_CHOICE, &s->local, "none|conv3x3",
         "a convolution of each channel in front of the mixer's operator (none)", 0, 0,
         "none conv3x3", .fixed = 1},
        {"padding", 0, CLI_CHOICE, &s->padding, "periodic|zero",
         "what lies around the image: itself, or zeros on a domain of twice the side (periodic)", 0,
         0, "periodic zero", .fixed = 1},
        {"prior", 0, CLI_CHOICE, &s->prior, "none|gaussian",
         "what the network adds to: nothing, or the velocity of normal data, for use behind whiten "
         "and realnvp (none)",
         0, 0, "none gaussian", .fixed = 1},
        {"attention-layers", 0, CLI_WHOLE, &s->attention_layers, "N",
         "so many blocks, evenly spaced, have attention instead (0)", 0, 4096, .fixed = 1,
         .zero_is_unset = 1},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int optimiser_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"steps", 's', CLI_WHOLE, &s->steps, "N", "optimiser steps in all (10000)", 1, 4e9},
        {"batch", 'b', CLI_WHOLE, &s->batch, "N", "images of one pass (64)", 1, 1 << 20},
        {"accum", 0, CLI_WHOLE, &s->accumulate, "N", "passes that make one step (1)", 1, 1 << 20},
        {"lr", 0, CLI_REAL, &s->rate, "X", "peak learning rate (1e-3)", 0, 1e3},
        {"pde-lr-scale", 0, CLI_REAL, &s->pde_rate_scale, "X",
         "learning rate of the PDE coefficients over the others' (30)", 0, 1e6},
        {"filter-lr-scale", 0, CLI_REAL, &s->filter_rate_scale, "X",
         "the same for the numbers of a free filter or a convolution (1)", 0, 1e6},
        {"warmup", 0, CLI_WHOLE, &s->warmup, "N", "steps of linear rise (100)", 0, 4e9},
        {"schedule", 0, CLI_CHOICE, &s->schedule, "constant|cosine", "after the warm-up (cosine)",
         0, 0, "constant cosine"},
        {"final-lr", 0, CLI_REAL, &s->final_rate, "X", "where cosine ends, as a share (0.01)", 0,
         1},
        {"weight-decay", 0, CLI_REAL, &s->weight_decay, "X", "of matrices only (0; classify: 0.05)",
         0, 1e3},
        {"clip", 0, CLI_REAL, &s->clip, "X", "largest gradient norm, 0: none (1)", 0, 1e30},
        {"ema", 0, CLI_REAL, &s->ema, "X", "decay of the averaged weights (0.999)", 0, 1},
        {"label-dropout", 0, CLI_REAL, &s->label_dropout, "X",
         "share of images trained without their class (0.1)", 0, 1},
        {"label-smoothing", 0, CLI_REAL, &s->label_smoothing, "X",
         "classify: share of the target that all classes have alike (0.1)", 0, 0.999},
        {"time", 0, CLI_CHOICE, &s->time_law, "uniform|logit-normal", "law of t (uniform)", 0, 0,
         "uniform logit-normal"},
        {"coupling", 0, CLI_CHOICE, &s->coupling, "independent|ot",
         "of noise and images: any, or optimal transport within a batch (independent)", 0, 0,
         "independent ot"},
        {"init", 0, CLI_TEXT, &s->init, "MODEL|random",
         "weights to begin with (random; --reflow: its model's, if the networks are alike)", 0, 0,
         .fixed = 1},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int reflow_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"reflow", 0, CLI_TEXT, &s->reflow, "MODEL",
         "train on what this model makes of noise, instead of --data; --model is optional", 0, 0,
         .fixed = 1},
        {"reflow-pairs", 0, CLI_WHOLE, &s->reflow_pairs, "N", "images drawn for it (20000)", 1, 4e9,
         .fixed = 1},
        {"reflow-steps", 0, CLI_WHOLE, &s->reflow_steps, "N", "steps of the solver (25)", 1,
         1 << 20, .fixed = 1},
        {"reflow-solver", 0, CLI_TEXT, &s->reflow_solver, "NAME",
         "euler, midpoint, heun, rk4 or dopri5 (heun)", 0, 0, .fixed = 1},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int multiscale_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"multiscale", 0, CLI_CHOICE, &s->multiscale, "none|coarse-to-fine|mge",
         "at several resolutions: coarse ones first, or all in each step (none)", 0, 0,
         "none coarse-to-fine mge", .fixed = 1},
        {"levels", 0, CLI_WHOLE, &s->levels, "N",
         "resolutions, each half of the next (as many as the patch divides, at most 3)", 2,
         PDESSM_MOST_LEVELS, .fixed = 1, .zero_is_unset = 1},
        {"coarse-steps", 0, CLI_TEXT, &s->coarse_steps, "N,N,..",
         "coarse-to-fine: steps at each coarse resolution, the coarsest first; the rest of --steps "
         "is the full one's (half of what each coarser one has)",
         0, 0, .fixed = 1},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int precondition_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"precondition", 0, CLI_CHOICE, &s->precondition, "none|whiten|spectral|realnvp|flow",
         "an invertible map, fitted first, that evens out the data (none)", 0, 0,
         "none whiten spectral realnvp flow", .fixed = 1},
        {"precondition-eps", 0, CLI_REAL, &s->precondition_epsilon, "X",
         "share of the mean variance added to all (1e-3)", 1e-12, 1e3, .fixed = 1},
        {"precondition-steps", 0, CLI_WHOLE, &s->precondition_steps, "N",
         "realnvp, flow: steps of training (1000)", 1, 4e9, .fixed = 1},
        {"precondition-pooled", 0, CLI_FLAG, &s->precondition_pooled, NULL,
         "one map for all classes", .fixed = 1},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int output_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"save-every", 0, CLI_WHOLE, &s->save_every, "N", "steps between checkpoints (1000)", 1,
         4e9},
        {"keep", 0, CLI_WHOLE, &s->keep, "N", "checkpoints kept, 0: all (3)", 0, 1 << 30},
        {"sample-every", 0, CLI_WHOLE, &s->sample_every, "N",
         "steps between pictures in samples/, 0: none (1000)", 0, 4e9},
        {"test", 0, CLI_TEXT, &s->test, "DATA",
         "classify: images to test on (the data's test split)"},
        {"evaluate-every", 0, CLI_WHOLE, &s->evaluate_every, "N",
         "classify: steps between tests, 0: at the end only (1000)", 0, 4e9},
        {"log-every", 0, CLI_WHOLE, &s->log_every, "N", "steps between lines of log.csv (10)", 1,
         4e9},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

static int call_rows(cli_settings *s, cli_option *o) {
    const cli_option rows[] = {
        {"out", 'o', CLI_TEXT, &s->out, "DIR", "folder of the run, new or empty"},
        {"config", 0, CLI_TEXT, &s->config, "FILE",
         "YAML with the options above as keys; the command line goes before it"},
        {"resume", 0, CLI_TEXT, &s->resume, "DIR", "go on with the newest checkpoint of this run"},
        {"max-time", 0, CLI_REAL, &s->max_time, "SECONDS", "end and save after so long, 0: never",
         0, 1e9},
    };
    memcpy(o, rows, sizeof rows);
    return CLI_COUNT(rows);
}

int pdessm_cli_settings_table(cli_settings *s, cli_option ret[PDESSM_CLI_SETTINGS],
                              int *ret_in_file) {
    static const struct {
        int (*rows)(cli_settings *s, cli_option *o);
        const char *heading;
    } part[] = {
        {data_rows, "Data:"},
        {model_rows, "Model:"},
        {optimiser_rows, "Training:"},
        {reflow_rows, "Reflow:"},
        {multiscale_rows, "Multiscale:"},
        {precondition_rows, "Preconditioning:"},
        {output_rows, "What is kept:"},
        {call_rows, "This call:"},
    };
    int n = 0;
    for (int i = 0; i < CLI_COUNT(part); i++) {
        if (part[i].rows == call_rows)
            *ret_in_file = n;
        int rows = part[i].rows(s, ret + n);
        ret[n].group = part[i].heading;
        n += rows;
    }
    return n;
}

/* ------------------------------------------------------------------ for the library */

pdessm_train_options pdessm_cli_settings_train(const cli_settings *s) {
    pdessm_train_options o = pdessm_train_defaults();
    o.steps = s->steps;
    o.batch = (int)s->batch;
    o.accumulate = (int)s->accumulate;
    o.rate = s->rate;
    o.warmup = s->warmup;
    o.schedule = (pdessm_schedule)s->schedule;
    o.final_rate = s->final_rate;
    o.pde_rate_scale = s->pde_rate_scale;
    o.filter_rate_scale = s->filter_rate_scale;
    o.weight_decay = s->weight_decay;
    o.clip = s->clip;
    o.ema = s->ema;
    o.label_dropout = s->label_dropout;
    o.label_smoothing = s->label_smoothing;
    o.time_law = (pdessm_time_law)s->time_law;
    o.coupling = s->reflow ? PDESSM_COUPLING_PAIRS : (pdessm_coupling)s->coupling;
    o.pair_seed = (uint64_t)s->seed;
    o.resolution = (pdessm_resolution)s->multiscale;
    o.levels = s->multiscale ? (int)s->levels : 1;
    memcpy(o.level_steps, s->level_steps, sizeof o.level_steps);
    o.flip = s->flip;
    o.shift = (int)s->shift;
    o.seed = (uint64_t)s->seed;
    return o;
}

pdessm_status pdessm_cli_settings_reflow(cli *c, const cli_settings *s,
                                         pdessm_sample_options *ret) {
    pdessm_sample_options o = pdessm_sample_defaults();
    pdessm_status status = pdessm_solver_find(c->ctx, s->reflow_solver, &o.solver);
    o.steps = (int)s->reflow_steps;
    o.seed = (uint64_t)s->seed;
    if (status == PDESSM_OK)
        *ret = o;
    return status;
}

pdessm_dataset_options pdessm_cli_settings_data(const cli_settings *s) {
    return (pdessm_dataset_options){.split = (pdessm_split)s->split,
                                    .height = s->image_size[0],
                                    .width = s->image_size[1],
                                    .resize = (pdessm_resize)s->fit,
                                    .channels = (int)s->channels,
                                    .layout = (pdessm_layout)s->layout,
                                    .limit = s->limit,
                                    .seed = (uint64_t)s->seed};
}

pdessm_status pdessm_cli_settings_model(cli *c, const cli_settings *s,
                                        const pdessm_dataset_info *images, pdessm_config *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    PDESSM_TRY(pdessm_config_preset(c->ctx, s->model, &config));
    const struct {
        int64_t asked;
        int *field;
    } overrides[] = {{s->states, &config.states},
                     {s->depth, &config.depth},
                     {s->width, &config.width},
                     {s->heads, &config.heads}};
    for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++)
        if (overrides[i].asked)
            *overrides[i].field = (int)overrides[i].asked;
    config.task = (pdessm_model_task)s->task;
    if (s->solution)
        config.solution = (pdessm_solution)(s->solution - 1);
    config.no_gate = s->no_gate;
    config.no_convection = s->no_convection;
    config.no_reaction = s->no_reaction;
    config.no_skip = s->no_skip;
    config.local = (pdessm_local)s->local;
    config.padding = (pdessm_padding)s->padding;
    config.prior = (pdessm_prior)s->prior;
    config.attention_layers = (int)s->attention_layers;
    config.image_size[0] = (int)images->height;
    config.image_size[1] = (int)images->width;
    config.channels = (int)images->channels;
    /* Without labels every image is of the null class, beside which there has to be another. */
    config.num_classes = images->num_classes > 0 ? (int)images->num_classes : 1;
    PDESSM_TRY(pdessm_config_check(c->ctx, &config));
    *ret = config;
out:
    return status;
}
