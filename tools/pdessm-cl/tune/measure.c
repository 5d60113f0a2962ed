/* SPDX-License-Identifier: MIT */
/* measure.c: the candidates of one choice: checked against the standard, then timed in turn.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune.h"

enum { ROUNDS = 7, MOST_CALLS = 50 };

/* A round of one candidate takes about this long, so that the clock and a wait count little. */
static const double seconds_of_round = 8e-3;
/* Gains below this are not worth an entry. */
static const double least_gain = 1.02;

typedef struct job {
    cli_tune_case *k;
    pdessm_device *device;
    int choice;
    float *expected; /* results of the standard, one behind the other */
    float *result;
    int64_t count;
} job;

/* ------------------------------------------------------------------ results */

static pdessm_status read_results(const job *j, float *to) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; j->k->call.row->letters[i]; i++) {
        pdessm_tensor *t = pdessm_opcall_result(&j->k->call, i);
        if (!t)
            continue;
        PDESSM_TRY(pdessm_tensor_read(t, to));
        to += pdessm_tensor_count(t);
    }
out:
    return status;
}

static double compare_results(const job *j) {
    const float *a = j->result, *b = j->expected;
    double worst = 0;
    for (int i = 0; j->k->call.row->letters[i]; i++) {
        const pdessm_tensor *t = pdessm_opcall_result(&j->k->call, i);
        if (!t)
            continue;
        int64_t count = pdessm_tensor_count(t);
        worst = fmax(worst, pdessm_relative_error(a, b, count));
        a += count;
        b += count;
    }
    return worst;
}

/* Results are overwritten with what no kernel writes, so that one that writes nothing is noticed.
 */
static pdessm_status spoil_results(const job *j) {
    pdessm_status status = PDESSM_OK;
    for (int64_t e = 0; e < j->count; e++)
        j->result[e] = 1e30f;
    for (int i = 0; j->k->call.row->letters[i]; i++)
        if (pdessm_opcall_result(&j->k->call, i))
            PDESSM_TRY(pdessm_tensor_write(pdessm_opcall_result(&j->k->call, i), j->result));
out:
    return status;
}

/* ------------------------------------------------------------------ one candidate */

static pdessm_status use(const job *j, int64_t value) {
    return pdessm_tuning_set(j->device->tuning, &j->k->call.call, j->choice, value, 1);
}

/* Runs the call; a device that refuses it must not send the operator to the host for good. */
static pdessm_status run_here(const job *j) {
    const pdessm_call *call = &j->k->call.call;
    unsigned char *on_host = &j->device->on_host[call->op][call->pass], before = *on_host;
    pdessm_status status = pdessm_dispatch(j->device, call);
    if (status == PDESSM_OK)
        status = pdessm_device_finish(j->device);
    int refused = *on_host && !before;
    *on_host = before;
    return refused ? PDESSM_ERROR_UNSUPPORTED : status;
}

static pdessm_status check_standard(job *j, cli_trial *t) {
    pdessm_status status = PDESSM_OK;
    t->state = CLI_TRIAL_TIMED;
    PDESSM_TRY(use(j, 0));
    PDESSM_TRY(run_here(j));
    PDESSM_TRY(read_results(j, j->expected));
out:
    return status;
}

/* A refusal or an error of the device is the candidate's failure, not ours. */
static pdessm_status check_candidate(job *j, cli_trial *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(spoil_results(j));
    PDESSM_TRY(use(j, t->value));
    status = run_here(j);
    if (status != PDESSM_OK) {
        t->state = CLI_TRIAL_FAILED;
        snprintf(t->why, sizeof t->why, "%s", pdessm_context_error(j->device->ctx));
        status = PDESSM_OK;
        goto out;
    }
    PDESSM_TRY(read_results(j, j->result));
    t->error = compare_results(j);
    const double tolerance =
        pdessm_tolerance(&j->k->numbers, j->k->call.call.pass, PDESSM_FLOAT_ROUNDOFF);
    t->state = t->error <= tolerance ? CLI_TRIAL_TIMED : CLI_TRIAL_WRONG;
    if (t->state == CLI_TRIAL_WRONG)
        snprintf(t->why, sizeof t->why, "differs from the standard by %.1e, at most %.1e expected",
                 t->error, tolerance);
out:
    return status;
}

/* ------------------------------------------------------------------ time */

static pdessm_status time_calls(const job *j, int calls, double *ret) {
    pdessm_status status = PDESSM_OK;
    double begin = pdessm_seconds();
    for (int i = 0; i < calls; i++)
        PDESSM_TRY(pdessm_run_call(j->device, &j->k->call.call));
    PDESSM_TRY(pdessm_device_finish(j->device));
    *ret = (pdessm_seconds() - begin) / calls;
out:
    return status;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int count) {
    qsort(x, (size_t)count, sizeof *x, by_size);
    return x[count / 2];
}

/* Times the given trials in turn, each round in another order: what else the machine does then
 * meets all of them. */
static pdessm_status time_trials(const job *j, cli_tune_row *row, const int *trial, int count,
                                 double seconds[][ROUNDS]) {
    pdessm_status status = PDESSM_OK;
    double once = 0;
    PDESSM_TRY(use(j, row->trial[trial[0]].value));
    PDESSM_TRY(time_calls(j, 1, &once));
    double wanted = once > 0 ? seconds_of_round / once : MOST_CALLS;
    int calls = wanted < 1 ? 1 : wanted > MOST_CALLS ? MOST_CALLS : (int)wanted;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            int at = (i + round) % count;
            PDESSM_TRY(use(j, trial[at] == 0 ? 0 : row->trial[trial[at]].value));
            PDESSM_TRY(time_calls(j, calls, &seconds[at][round]));
        }
out:
    return status;
}

/* The fastest trial against the standard once more: the best of several is partly luck, which a new
 * measurement does not share. Gain: median of the rounds' ratios; spread: half the distance between
 * the second and the second to last. */
static pdessm_status confirm(const job *j, cli_tune_row *row, int fastest) {
    pdessm_status status = PDESSM_OK;
    double seconds[2][ROUNDS], ratio[ROUNDS];
    PDESSM_TRY(time_trials(j, row, (int[]){0, fastest}, 2, seconds));
    for (int i = 0; i < ROUNDS; i++)
        ratio[i] = seconds[0][i] / seconds[1][i];
    row->gain = median(ratio, ROUNDS);
    row->spread = (ratio[ROUNDS - 2] - ratio[1]) / 2;
    if (row->gain > least_gain && row->gain - 1 > row->spread)
        row->best = fastest;
out:
    return status;
}

static pdessm_status time_all(const job *j, cli_tune_row *row) {
    pdessm_status status = PDESSM_OK;
    double seconds[PDESSM_CANDIDATES + 1][ROUNDS];
    int good[PDESSM_CANDIDATES + 1], count = 0, fastest = 0;
    for (int i = 0; i < row->trials; i++)
        if (row->trial[i].state == CLI_TRIAL_TIMED)
            good[count++] = i;
    if (count > 1)
        PDESSM_TRY(time_trials(j, row, good, count, seconds));
    for (int i = 0; count > 1 && i < count; i++) {
        cli_trial *t = &row->trial[good[i]];
        t->seconds = median(seconds[i], ROUNDS);
        fastest = t->seconds < row->trial[fastest].seconds ? good[i] : fastest;
    }
    row->gain = 1;
    if (fastest > 0)
        PDESSM_TRY(confirm(j, row, fastest));
    PDESSM_TRY(pdessm_tuning_set(j->device->tuning, &j->k->call.call, j->choice,
                                 row->best ? row->trial[row->best].value : 0, row->gain));
out:
    return status;
}

/* ------------------------------------------------------------------ one choice */

static void list_trials(const job *j, cli_tune_row *row) {
    const pdessm_choice *c = &j->k->call.row->descriptor->tunable->choice[j->choice];
    const pdessm_site site = {
        .call = &j->k->call.call,
        .info = j->device->backend ? &j->device->info : NULL,
        .host = j->device->backend ? NULL : &j->device->host,
        .tuning = j->device->tuning,
    };
    int64_t usable[PDESSM_CANDIDATES];
    int count = 0;
    for (const int64_t *v = c->candidate; *v; v++)
        if (c->applies(&site, *v))
            usable[count++] = *v;
    if (count == 0) /* a choice of other devices */
        return;
    row->trial[row->trials++].value = c->standard(&site);
    for (int i = 0; i < count; i++)
        if (usable[i] != row->trial[0].value)
            row->trial[row->trials++].value = usable[i];
}

pdessm_status pdessm_cli_tune_choice(cli_tune_case *k, pdessm_pass pass, int choice,
                                     double deadline, cli_tune_row *ret, int *ret_late) {
    pdessm_status status = PDESSM_OK;
    job j = {.k = k, .device = k->call.device, .choice = choice};
    cli_tune_row row = {.op = k->call.call.op, .pass = pass, .choice = choice};
    int64_t extent[PDESSM_CLASS_EXTENTS] = {0};
    k->call.call.pass = pass;
    k->call.row->descriptor->tunable->classify(&k->call.call, extent);
    row.shape = pdessm_tuning_class_text(extent);
    *ret_late = 0;
    PDESSM_TRY(use(&j, 0));
    list_trials(&j, &row);
    for (int i = 0; k->call.row->letters[i]; i++)
        if (pdessm_opcall_result(&k->call, i))
            j.count += pdessm_tensor_count(pdessm_opcall_result(&k->call, i));
    if (row.trials > 1) {
        PDESSM_TRY(pdessm_alloc(k->call.device->ctx, (size_t)j.count, sizeof(float), &j.expected));
        PDESSM_TRY(pdessm_alloc(k->call.device->ctx, (size_t)j.count, sizeof(float), &j.result));
    }
    for (int i = 0; row.trials > 1 && i < row.trials; i++) {
        *ret_late = pdessm_seconds() > deadline;
        if (*ret_late)
            goto out;
        PDESSM_TRY(i ? check_candidate(&j, &row.trial[i]) : check_standard(&j, &row.trial[0]));
    }
    if (row.trials > 1)
        PDESSM_TRY(time_all(&j, &row));
    *ret = row;
out:
    if (status != PDESSM_OK || *ret_late)
        use(&j, 0);
    free(j.expected);
    free(j.result);
    return status;
}
