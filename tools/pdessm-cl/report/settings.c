/* SPDX-License-Identifier: MIT */
/* settings.c: what the run was told, what the network is, and where the page was made. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "files/file.h"
#include "pdessm_commit.h"
#include "pdessm_config.h"
#include "report.h"
#include "shared/print.h"

static pdessm_status print_config_file(report *r) {
    const char *path = pdessm_cli_text(r->c, "%s/config.yaml", r->run);
    pdessm_bytes bytes = {0};
    FILE *f = r->page.f;
    fputs("<h2>Settings</h2>\n", f);
    if (pdessm_bytes_open(r->c->ctx, path, &bytes) != PDESSM_OK) {
        pdessm_cli_page_element(f, "p", "warn", pdessm_context_error(r->c->ctx));
        return PDESSM_OK;
    }
    pdessm_cli_page_element(
        f, "pre", NULL, pdessm_cli_text(r->c, "%.*s", (int)bytes.size, (const char *)bytes.data));
    fputc('\n', f);
    pdessm_bytes_release(&bytes);
    return PDESSM_OK;
}

/* Every key of the configuration as the model file has it. */
static pdessm_status print_model(report *r) {
    FILE *f = r->page.f;
    char *text = NULL;
    cJSON *config = NULL;
    const cJSON *item;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_config_to_json(r->c->ctx, pdessm_model_get_config(r->model), &text));
    config = pdessm_cli_need(cJSON_Parse(text));
    fputs("<h2>Model</h2>\n", f);
    pdessm_cli_page_facts_begin(f);
    pdessm_cli_page_fact(f, "parameters", "%lld",
                         (long long)pdessm_model_parameter_count(r->model));
    cJSON_ArrayForEach(item, config) {
        char *value = pdessm_cli_need(cJSON_PrintUnformatted(item));
        pdessm_cli_page_fact(f, item->string, "%s", value);
        cJSON_free(value);
    }
    pdessm_cli_page_facts_end(f);
out:
    cJSON_Delete(config);
    free(text);
    return status;
}

/* The first "model name" that the kernel knows; "" elsewhere. */
static void read_processor(char *ret, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char *line = NULL;
    size_t room = 0;
    *ret = '\0';
    while (file && !*ret && getline(&line, &room, file) > 0)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(ret, size, "%s", strchr(line, ':') + 2);
            ret[strcspn(ret, "\n")] = '\0';
        }
    free(line);
    if (file)
        fclose(file);
}

static void print_machine(report *r) {
    const pdessm_device_info *info = pdessm_device_get_info(r->c->device);
    struct utsname system;
    char processor[256];
    FILE *f = r->page.f;
    read_processor(processor, sizeof processor);
    fputs("<h2>This page</h2>\n", f);
    pdessm_cli_page_facts_begin(f);
    pdessm_cli_page_fact(f, "made", "%s", pdessm_cli_page_date().text);
    pdessm_cli_page_fact(f, "program", PDESSM_CLI_PROGRAM " " PDESSM_VERSION ", commit %s",
                         PDESSM_COMMIT);
    pdessm_cli_page_fact(f, "device", "%s%s%s", info->name, *info->driver ? ", driver " : "",
                         info->driver);
    if (*processor)
        pdessm_cli_page_fact(f, "processor", "%s, %d threads", processor,
                             pdessm_context_threads(r->c->ctx));
    if (uname(&system) == 0)
        pdessm_cli_page_fact(f, "system", "%s %s %s", system.sysname, system.release,
                             system.machine);
    pdessm_cli_page_facts_end(f);
}

pdessm_status pdessm_cli_report_settings(report *r) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(print_config_file(r));
    if (r->model)
        PDESSM_TRY(print_model(r));
    print_machine(r);
out:
    return status;
}
