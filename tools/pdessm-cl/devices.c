/* SPDX-License-Identifier: MIT */
/* devices.c: `devices`: what --device can name. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/options.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_devices = {
    .name = "devices",
    .meaning = "lists devices",
    .arguments = "",
    .example = PDESSM_CLI_PROGRAM " devices --format json",
    .prints_result = 1,
    .run = run,
};

static void print_text(const pdessm_device_info *list, int count) {
    cli_table *table = pdessm_cli_table_create("LRLLLRRLL");
    pdessm_cli_table_row(table,
                         "\tindex\tP:D\tname\tdriver\tmemory\tlargest allocation\tfp16\tfp64");
    for (int i = 0; i < count; i++) {
        char id[32] = "cpu";
        if (list[i].kind != PDESSM_DEVICE_PLAIN_C)
            snprintf(id, sizeof id, "%d:%d", list[i].platform, list[i].device);
        pdessm_cli_table_row(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
                             list[i].is_auto ? "*" : "", list[i].index, id, list[i].name,
                             list[i].driver, pdessm_text_of_bytes(list[i].memory).text,
                             pdessm_text_of_bytes(list[i].largest_allocation).text,
                             list[i].fp16 ? "yes" : "no", list[i].fp64 ? "yes" : "no");
    }
    pdessm_cli_table_print(table, stdout);
    puts("* is what --device auto means");
}

static void print_json(cli *c, const pdessm_device_info *list, int count) {
    cJSON *json = pdessm_cli_json_begin(c);
    for (int i = 0; !c->device && i < count; i++)
        if (list[i].is_auto) {
            cJSON_AddItemToObject(json, "device", pdessm_cli_json_device(&list[i]));
            pdessm_cli_json_text(json, "driver", list[i].driver);
        }
    cJSON *rows = pdessm_cli_json_array(json, "devices");
    for (int i = 0; i < count; i++) {
        cJSON *row = pdessm_cli_json_device(&list[i]);
        pdessm_cli_json_bool(row, "auto", list[i].is_auto);
        cJSON_AddItemToArray(rows, row);
    }
    pdessm_cli_json_print(json);
}

static pdessm_status run(cli *c) {
    pdessm_device_info *list = NULL;
    int count = 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, NULL, 0, NULL, 0));
    if (c->device_name) /* the one that is asked about has to be there */
        PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(pdessm_device_list(c->ctx, &list, &count));
    if (c->format == CLI_FORMAT_JSON)
        print_json(c, list, count);
    else
        print_text(list, count);
out:
    free(list);
    return status;
}
