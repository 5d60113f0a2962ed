/* SPDX-License-Identifier: MIT */
/* eval.c: `eval`: how far generated images are from real ones. */
#include "eval.h"

#include <math.h>
#include <stdlib.h>

#include "shared/interrupt.h"
#include "shared/memory.h"
#include "shared/options.h"
#include "shared/paths.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_eval = {
    .name = "eval",
    .meaning = "measures generated images against real ones",
    .arguments = "--samples FILE|FOLDER --reference DATA | --model FILE --reference DATA",
    .example = PDESSM_CLI_PROGRAM " eval --model runs/fashion --reference fashion-mnist "
                                  "--classifier runs/classifier --format json",
    .prints_result = 1,
    .run = run,
};

/* ------------------------------------------------------------------ what is asked for */

static pdessm_status check_usage(cli_eval *e) {
    pdessm_context *ctx = e->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, !e->samples_path != !e->model_path, PDESSM_ERROR_ARGUMENT,
                   "expected one of --samples FILE and --model FILE");
    PDESSM_REQUIRE(ctx, e->reference_path, PDESSM_ERROR_ARGUMENT,
                   "--reference is missing; expected the real images to compare with, such as "
                   "--reference fashion-mnist");
    PDESSM_REQUIRE(ctx, e->model_path || !e->keep, PDESSM_ERROR_ARGUMENT,
                   "--keep is for images that --model draws; --samples are kept already");
    e->sampling.steps = (int)e->steps;
    e->sampling.batch = (int)e->batch;
    e->sampling.seed = (uint64_t)e->c->seed;
    e->metrics.seed = (uint64_t)e->c->seed;
    e->metrics.progress = pdessm_cli_eval_progress;
    e->metrics.user = e;
out:
    return status;
}

/* The samples that there are, or will be. As many images as there are real ones, if nothing else is
 * asked for, and 10,000 at most. */
static int64_t sample_count(const cli_eval *e) {
    enum { MOST = 10000 };
    if (e->samples_path)
        return e->samples.count;
    return e->n ? e->n : e->reference.count < MOST ? e->reference.count : MOST;
}

static pdessm_status check_counts(const cli_eval *e) {
    const int64_t least = e->metrics.neighbours + 1;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(e->c->ctx, sample_count(e) >= least && e->reference.count >= 2 * least,
                   PDESSM_ERROR_ARGUMENT,
                   "%lld samples and %lld real images: expected at least %lld and %lld, for the %d "
                   "neighbours in each half of the real ones",
                   (long long)sample_count(e), (long long)e->reference.count, (long long)least,
                   (long long)(2 * least), e->metrics.neighbours);
out:
    return status;
}

/* Images are in memory by now where they come from files; the rest is still to come. */
static pdessm_status check_memory(cli_eval *e) {
    const cli_eval_set *r = &e->reference;
    pdessm_status status = PDESSM_OK;
    pdessm_image_set real = {
        .count = r->count, .channels = r->channels, .height = r->height, .width = r->width};
    if (e->classifier)
        real.feature_dimension = e->feature_dimension;
    pdessm_image_set samples = real;
    samples.count = sample_count(e);
    if (e->model)
        PDESSM_TRY(pdessm_cli_check_sampling(e->c, e->model, r->height, r->width,
                                             e->sampling.guidance != 1, e->batch));
    if (e->classifier)
        PDESSM_TRY(pdessm_cli_check_classifying(e->c, e->classifier, e->batch));
    PDESSM_TRY(pdessm_cli_check_host(
        e->c, pdessm_evaluation_bytes(&samples, &real, &e->metrics),
        pdessm_cli_text(e->c, "metrics of %lld images against %lld", (long long)samples.count,
                        (long long)real.count),
        e->model ? "take fewer with --n and --limit" : "take fewer with --limit"));
out:
    return status;
}

/* Everything that can be refused is looked at before the first image is drawn. */
static pdessm_status open_all(cli_eval *e) {
    cli *c = e->c;
    pdessm_status status;
    PDESSM_TRY(pdessm_cli_open_device(c));
    if (e->model_path) {
        PDESSM_TRY(pdessm_cli_load_model(c, e->model_path, PDESSM_TASK_VELOCITY, &e->model_file,
                                         &e->model));
    }
    PDESSM_TRY(pdessm_cli_eval_open_reference(e));
    if (e->model)
        PDESSM_TRY(pdessm_cli_eval_check_model(e));
    if (e->samples_path)
        PDESSM_TRY(pdessm_cli_eval_open_samples(e));
    if (e->classifier_path)
        PDESSM_TRY(pdessm_cli_eval_open_classifier(e));
    PDESSM_TRY(check_counts(e));
    PDESSM_TRY(check_memory(e));
out:
    return status;
}

/* ------------------------------------------------------------------ measuring */

static pdessm_status measure_velocity(cli_eval *e) {
    const cli_eval_set *r = &e->reference;
    const int classes = pdessm_model_get_config(e->model)->num_classes;
    /* A model of one class saw every image without a label. */
    const int32_t *labels = r->num_classes <= classes && classes > 1 ? r->labels : NULL;
    const pdessm_precondition *map = pdessm_model_get_precondition(e->model);
    if (map && pdessm_precondition_get_info(map)->classes > 1 && !labels) {
        pdessm_cli_note(e->c,
                        "no velocity loss: %s maps each class in its own way, and %s has no "
                        "labels",
                        e->model_file, r->name);
        return PDESSM_OK;
    }
    pdessm_cli_eval_begin(e, "loss", "velocity at the real images");
    pdessm_status status = pdessm_velocity_loss(e->model, r->count, r->images, labels,
                                                e->sampling.batch, &e->metrics, &e->velocity_loss);
    pdessm_cli_progress_end(&e->bar);
    return status;
}

static pdessm_image_set set_of(const cli_eval *e, const cli_eval_set *s) {
    return (pdessm_image_set){.count = s->count,
                              .channels = s->channels,
                              .height = s->height,
                              .width = s->width,
                              .images = s->images,
                              .feature_dimension = s->features ? e->feature_dimension : 0,
                              .features = s->features};
}

static pdessm_status measure(cli_eval *e) {
    const pdessm_image_set samples = set_of(e, &e->samples), reference = set_of(e, &e->reference);
    if (!e->classifier)
        e->feature_dimension = samples.channels * samples.height * samples.width;
    pdessm_cli_eval_begin(e, "eval", "metrics");
    pdessm_status status = pdessm_evaluate(e->c->ctx, &samples, &reference, &e->metrics, &e->found);
    pdessm_cli_progress_end(&e->bar);
    return status;
}

static pdessm_status evaluate(cli_eval *e) {
    pdessm_status status;
    const double start = pdessm_seconds();
    PDESSM_TRY(open_all(e));
    pdessm_cli_interrupt_catch();
    if (e->model) {
        e->n = sample_count(e);
        PDESSM_TRY(pdessm_cli_eval_draw(e));
        PDESSM_TRY(measure_velocity(e));
    }
    if (e->classifier)
        PDESSM_TRY(pdessm_cli_eval_classify(e));
    PDESSM_TRY(measure(e));
    e->seconds = pdessm_seconds() - start;
    pdessm_cli_eval_print(e);
out:
    return status;
}

static pdessm_status run(cli *c) {
    cli_eval e = {.c = c,
                  .sampling = pdessm_sample_defaults(),
                  .metrics = pdessm_metric_defaults(),
                  .label_accuracy = (double)NAN,
                  .reference_accuracy = (double)NAN,
                  .velocity_loss = (double)NAN};
    e.steps = e.sampling.steps;
    e.batch = e.sampling.batch;
    e.sampling.guidance = 2;
    cli_option options[] = {
        {"samples", 0, CLI_TEXT, &e.samples_path, "PATH",
         "generated images: .npz, .npy, or a folder of PNGs (one subfolder per class)",
         .group = "What to compare"},
        {"model", 'm', CLI_TEXT, &e.model_path, "PATH",
         "or a model to draw them from: safetensors file, checkpoint or run folder"},
        {"reference", 'r', CLI_TEXT, &e.reference_path, "DATA",
         "real images: shapes, fashion-mnist, or a path"},
        {"classifier", 0, CLI_TEXT, &e.classifier_path, "PATH",
         "a model of train --task classify: use its features instead of pixels, and report label "
         "accuracy"},
        {"split", 0, CLI_CHOICE, &e.split, "SPLIT",
         "part of the reference data; auto: the test split if there is one", 0, 0,
         "auto" PDESSM_SPLITS(PDESSM_WORD)},
        {"limit", 0, CLI_WHOLE, &e.limit, "N", "use N random images of each set; 0: all", 0,
         1 << 24},
        {"n", 'n', CLI_WHOLE, &e.n, "N",
         "images to draw (default: as many as real ones, at most 10000)", 1, 1 << 24,
         .group = "Drawing from --model"},
        {"keep", 0, CLI_TEXT, &e.keep, "FOLDER",
         "keep drawn images there: an interrupted call, or one with other metrics, resumes"},
        {"steps", 's', CLI_WHOLE, &e.steps, "N", "solver steps", 1, 1 << 20},
        {"solver", 0, CLI_CHOICE, &e.sampling.solver, "NAME", "ODE solver", 0, 0,
         PDESSM_WORDS(PDESSM_SOLVERS)},
        {"guidance", 'g', CLI_REAL, &e.sampling.guidance, "X",
         "classifier-free guidance scale: v = v_null + X (v_class - v_null); 1: none", 0, 1e3},
        {"batch", 'b', CLI_WHOLE, &e.batch, "N", "images per batch", 1, 1 << 20},
        {"rtol", 0, CLI_REAL, &e.sampling.rtol, "X", "dopri5: relative tolerance", 0, 1, .rare = 1},
        {"atol", 0, CLI_REAL, &e.sampling.atol, "X", "dopri5: absolute tolerance", 0, 1, .rare = 1},
        {"image-size", 0, CLI_SIZE, e.image_size, "HxW", "resize all images (default: as they are)",
         1, 1 << 14, .group = "Reading files"},
        {"fit", 0, CLI_CHOICE, &e.fit, "HOW", "how images of another size are brought to it", 0, 0,
         PDESSM_WORDS(PDESSM_RESIZES)},
        {"channels", 0, CLI_WHOLE, &e.channels, "N",
         "1: gray, 3: colour (default: those of the data)", 0, 4096, .zero_is_unset = 1},
        {"layout", 0, CLI_CHOICE, &e.layout, "ORDER", "axis order of .npy and .npz arrays", 0, 0,
         PDESSM_WORDS(PDESSM_LAYOUTS), .rare = 1},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_TRY(check_usage(&e));
    PDESSM_TRY(evaluate(&e));
out:
    pdessm_evaluation_release(&e.found);
    pdessm_cli_eval_release(&e.samples);
    pdessm_cli_eval_release(&e.reference);
    pdessm_model_destroy(&e.classifier);
    pdessm_model_destroy(&e.model);
    return status;
}
