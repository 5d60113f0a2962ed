/* SPDX-License-Identifier: MIT */
/* graph.c: `graph`: trains graph networks over parts of a graph, one row for each seed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <pdessm/graph_train.h>

#include "shared/interrupt.h"
#include "shared/options.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_graph = {
    .name = "graph",
    .meaning = "trains graph networks, over coarser graphs first or as well",
    .arguments = "--data DATA --network NETWORK --method METHOD",
    .example = PDESSM_CLI_PROGRAM " graph --data clubs --network gcn --method coarse-to-fine "
                                  "--pooling rns --levels 3 --epochs 50 --seed 0",
    .prints_result = 1,
    .run = run,
};

/* A look at the validation nodes, and the time since the training began. */
typedef struct graph_look {
    pdessm_graph_train_report report;
    double seconds, cpu_seconds;
} graph_look;

typedef struct graph_row {
    uint64_t seed;
    pdessm_graph_train_result result;
    double begin, cpu_begin, seconds, cpu_seconds;
    int64_t looks, room;
    graph_look *look;
} graph_row;

typedef struct graph_job {
    cli *c;
    const char *data;
    pdessm_gnn_kind network;
    int64_t levels, power, runs, done; /* done: rows that are finished */
    int64_t layers, width;             /* 0: as the network has them */
    pdessm_graph_train_options options;
    pdessm_node_set *set;
    graph_row *row;
    cli_progress bar;
} graph_job;

/* ------------------------------------------------------------------ running */

/* Of all threads: what a run costs on a machine that does other things too. */
static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Ends the run when there is no memory left. */
static int keep_look(graph_row *row, const pdessm_graph_train_report *s) {
    if (row->looks == row->room) {
        const int64_t room = row->room ? 2 * row->room : 64;
        graph_look *look = realloc(row->look, (size_t)room * sizeof *look);
        if (!look)
            return 0;
        row->look = look;
        row->room = room;
    }
    row->look[row->looks++] = (graph_look){.report = *s,
                                           .seconds = pdessm_seconds() - row->begin,
                                           .cpu_seconds = cpu_seconds() - row->cpu_begin};
    return 1;
}

static int on_progress(void *user, const pdessm_graph_train_report *s) {
    graph_job *j = user;
    const int kept = keep_look(&j->row[j->done], s);
    char detail[160];
    snprintf(detail, sizeof detail,
             "seed %llu level %d epoch %lld/%lld loss %.4f validation %.3f best %.3f",
             (unsigned long long)j->row[j->done].seed, s->level, (long long)s->epoch,
             (long long)s->epochs, s->loss, s->validation_accuracy, s->best_validation);
    const double share = (double)s->epoch / (double)s->epochs;
    pdessm_cli_progress_update(&j->bar, ((double)j->done + share) / (double)j->runs, detail);
    return pdessm_cli_interrupted() || !kept;
}

static pdessm_status run_seed(graph_job *j, graph_row *row) {
    pdessm_status status = PDESSM_OK;
    pdessm_gnn *gnn = NULL;
    const pdessm_node_set_info info = pdessm_node_set_get_info(j->set);
    pdessm_gnn_config config = pdessm_gnn_defaults(j->network, info.features, info.classes);
    pdessm_graph_train_options options = j->options;
    options.seed = row->seed;
    options.progress = on_progress;
    options.user = j;
    config.layers = j->layers ? j->layers : config.layers;
    config.width = j->width ? j->width : config.width;
    PDESSM_TRY(pdessm_gnn_create(j->c->device, &config, row->seed, &gnn));
    row->begin = pdessm_seconds();
    row->cpu_begin = cpu_seconds();
    PDESSM_TRY(pdessm_graph_train(gnn, j->set, &options, &row->result));
    row->seconds = pdessm_seconds() - row->begin;
    row->cpu_seconds = cpu_seconds() - row->cpu_begin;
out:
    pdessm_gnn_destroy(&gnn);
    return status;
}

static pdessm_status run_rows(graph_job *j) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)j->runs, sizeof *j->row, &j->row));
    pdessm_cli_progress_begin(&j->bar, j->c, "graph", 0);
    for (j->done = 0; j->done < j->runs && status == PDESSM_OK; j->done += status == PDESSM_OK) {
        j->row[j->done].seed = (uint64_t)(j->c->seed + j->done);
        status = run_seed(j, &j->row[j->done]);
    }
    pdessm_cli_progress_end(&j->bar);
out:
    return status;
}

static int on_building(void *user, double share) {
    graph_job *j = user;
    pdessm_cli_progress_update(&j->bar, share, "building the graph");
    return pdessm_cli_interrupted();
}

static pdessm_status open_set(graph_job *j) {
    const pdessm_node_options options = {.progress = on_building, .user = j};
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&j->bar, j->c, j->data, 0);
    pdessm_status status = pdessm_node_set_open(j->c->ctx, j->data, &options, &j->set);
    pdessm_cli_progress_end(&j->bar);
    return status;
}

/* What may surprise in a graph. */
static void tell_graph(graph_job *j) {
    const pdessm_node_set_info info = pdessm_node_set_get_info(j->set);
    pdessm_cli_note(j->c,
                    "%s: %lld nodes, %lld edges, %lld features, %lld classes; %lld training, "
                    "%lld validation, %lld test nodes",
                    j->data, (long long)info.nodes, (long long)info.edges, (long long)info.features,
                    (long long)info.classes, (long long)info.count[PDESSM_NODES_TRAIN],
                    (long long)info.count[PDESSM_NODES_VALIDATION],
                    (long long)info.count[PDESSM_NODES_TEST]);
    if (info.isolated)
        pdessm_cli_note(j->c, "%s: %lld nodes have no edge: they see themselves alone", j->data,
                        (long long)info.isolated);
    if (info.repeated)
        pdessm_cli_note(j->c, "%s: %lld edges were loops or repeated others, and are dropped",
                        j->data, (long long)info.repeated);
}

/* ------------------------------------------------------------------ printing */

static void print_table(const graph_job *j) {
    double sum = 0, squares = 0;
    cli_table *table = pdessm_cli_table_create("LLLLRRRRRRRR");
    pdessm_cli_table_row(table, "data\tnetwork\tmethod\tpooling\tlevels\tseed\ttest\tvalidation\t"
                                "best epoch\tseconds\tnode work\tedge work");
    for (int64_t i = 0; i < j->done; i++) {
        const graph_row *row = &j->row[i];
        const pdessm_graph_train_result *r = &row->result;
        pdessm_cli_table_row(
            table, "%s\t%s\t%s\t%s\t%d\t%llu\t%.4f\t%.4f\t%lld/%lld\t%.1f\t%.1f\t%.1f", j->data,
            pdessm_gnn_name(j->network), pdessm_graph_train_method_name(j->options.method),
            pdessm_pooling_name(j->options.pooling), j->options.levels,
            (unsigned long long)row->seed, r->test_accuracy, r->validation_accuracy,
            (long long)r->best_epoch, (long long)r->epochs, row->seconds, r->node_work,
            r->edge_work);
        sum += r->test_accuracy;
        squares += r->test_accuracy * r->test_accuracy;
    }
    pdessm_cli_table_print(table, stdout);
    const double n = (double)j->done, mean = sum / n;
    if (j->done > 1)
        printf("test accuracy %.4f, deviation %.4f over %lld seeds\n", mean,
               sqrt(fmax(0, (squares - n * mean * mean) / (n - 1))), (long long)j->done);
}

/* One array for each look: epoch, level, seconds, CPU seconds, node work, edge work, loss,
 * validation accuracy, and the test accuracy of the epoch that is best by validation so far. */
static void print_curve(cJSON *o, const graph_row *row) {
    cJSON *curve = pdessm_cli_json_array(o, "curve");
    for (int64_t i = 0; i < row->looks; i++) {
        const graph_look *k = &row->look[i];
        const double number[] = {(double)k->report.epoch,
                                 k->report.level,
                                 k->seconds,
                                 k->cpu_seconds,
                                 k->report.node_work,
                                 k->report.edge_work,
                                 k->report.loss,
                                 k->report.validation_accuracy,
                                 k->report.test_accuracy};
        cJSON_AddItemToArray(curve,
                             pdessm_cli_need(cJSON_CreateDoubleArray(number, CLI_COUNT(number))));
    }
}

static void print_json(const graph_job *j) {
    cJSON *json = pdessm_cli_json_begin(j->c);
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int64_t i = 0; i < j->done; i++) {
        const graph_row *row = &j->row[i];
        const pdessm_graph_train_result *r = &row->result;
        cJSON *o = pdessm_cli_json_row(rows);
        pdessm_cli_json_text(o, "dataset", j->data);
        pdessm_cli_json_text(o, "network", pdessm_gnn_name(j->network));
        pdessm_cli_json_text(o, "method", pdessm_graph_train_method_name(j->options.method));
        pdessm_cli_json_text(o, "pooling", pdessm_pooling_name(j->options.pooling));
        pdessm_cli_json_number(o, "levels", j->options.levels);
        pdessm_cli_json_number(o, "power", j->options.power);
        pdessm_cli_json_number(o, "seed", (double)row->seed);
        pdessm_cli_json_number(o, "test_accuracy", r->test_accuracy);
        pdessm_cli_json_number(o, "validation_accuracy", r->validation_accuracy);
        pdessm_cli_json_number(o, "best_epoch", (double)r->best_epoch);
        pdessm_cli_json_number(o, "epochs", (double)r->epochs);
        pdessm_cli_json_number(o, "seconds", row->seconds);
        pdessm_cli_json_number(o, "node_work", r->node_work);
        pdessm_cli_json_number(o, "edge_work", r->edge_work);
        pdessm_cli_json_number(o, "evaluations", (double)r->evaluations);
        pdessm_cli_json_number(o, "cpu_seconds", row->cpu_seconds);
        print_curve(o, row);
    }
    pdessm_cli_json_print(json);
}

/* ------------------------------------------------------------------ the command line */

static pdessm_status parse(cli *c, graph_job *j) {
    cli_option options[] = {
        {"data", 0, CLI_TEXT, &j->data, "DATA",
         "clubs, fashion-knn, qtips, an .npz file or a folder"},
        {"network", 0, CLI_CHOICE, &j->network, "NAME", "graph network", 0, 0,
         PDESSM_WORDS(PDESSM_GNNS)},
        {"method", 0, CLI_CHOICE, &j->options.method, "NAME", "training over levels", 0, 0,
         PDESSM_WORDS(PDESSM_GRAPH_TRAIN_METHODS)},
        {"pooling", 0, CLI_CHOICE, &j->options.pooling, "NAME", "which nodes a coarser level keeps",
         0, 0, PDESSM_WORDS(PDESSM_POOLINGS)},
        {"levels", 0, CLI_WHOLE, &j->levels, "N",
         "levels, including the whole graph (default: 3; single: 1)", 1, 12},
        {"epochs", 0, CLI_WHOLE, &j->options.epochs, "N",
         "epochs at the finest level (default: 2000, 1000, 800, 600 for 1 to 4 levels)", 1,
         1 << 24},
        {"batch", 0, CLI_WHOLE, &j->options.batch, "N",
         "training graphs per step, or training nodes with their neighbours (default: all)", 1,
         1 << 30},
        {"lr", 0, CLI_REAL, &j->options.rate, "X", "learning rate of Adam", 1e-9, 10},
        {"runs", 'n', CLI_WHOLE, &j->runs, "N", "runs, with consecutive seeds from --seed", 1,
         1 << 16},
        {"layers", 0, CLI_WHOLE, &j->layers, "N",
         "layers of the network (default: gcn 4, gin 3, gat 3)", 1, 64},
        {"width", 0, CLI_WHOLE, &j->width, "N",
         "channels of a layer (default: gcn 192, gin 256, gat 64)", 1, 1 << 16},
        {"power", 0, CLI_WHOLE, &j->power, "N",
         "coarser levels connect nodes at most N edges apart", 1, 8, .rare = 1},
        {"evaluate", 0, CLI_WHOLE, &j->options.evaluate, "N", "epochs between validations", 1,
         1 << 24, .rare = 1},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    if (j->options.method == PDESSM_SUB_TO_FULL)
        j->options.pooling = PDESSM_POOLING_SUBGRAPH;
    if (j->levels == 0)
        j->levels = j->options.method == PDESSM_SINGLE ? 1 : 3;
    j->options.levels = (int)j->levels;
    j->options.power = (int)j->power;
out:
    return status;
}

static pdessm_status run(cli *c) {
    graph_job j = {
        .c = c, .data = "clubs", .power = 1, .runs = 1, .options = pdessm_graph_train_defaults()};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(parse(c, &j));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(open_set(&j));
    tell_graph(&j);
    status = run_rows(&j);
    if (status != PDESSM_OK && status != PDESSM_ERROR_CANCELLED)
        goto out;
    if (c->format == CLI_FORMAT_JSON)
        print_json(&j);
    else if (j.done > 0)
        print_table(&j);
out:
    for (int64_t i = 0; j.row && i < j.runs; i++)
        free(j.row[i].look);
    free(j.row);
    pdessm_node_set_destroy(&j.set);
    return status;
}
