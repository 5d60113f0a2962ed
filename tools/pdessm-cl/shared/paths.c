/* SPDX-License-Identifier: MIT */
/* paths.c: model files and class names, with the lifetime of the program's run. */
#include "paths.h"

#include "print.h"

pdessm_status pdessm_cli_find_model(cli *c, const char *path, const char **ret_file) {
    char *file = NULL;
    pdessm_status status = pdessm_run_find_model(c->ctx, path, &file);
    if (status == PDESSM_OK)
        *ret_file = pdessm_cli_keep(c, file);
    return status;
}

pdessm_status pdessm_cli_load_model(cli *c, const char *path, pdessm_model_task task,
                                    const char **ret_file, pdessm_model **ret) {
    char *file = NULL;
    pdessm_status status = pdessm_run_load_model(c->device, path, task, &file, ret);
    if (status == PDESSM_OK)
        *ret_file = pdessm_cli_keep(c, file);
    return status;
}

const char *const *pdessm_cli_class_names(cli *c, const char *model_file, int count) {
    char **names = NULL;
    pdessm_run_read_class_names(c->ctx, model_file, count, &names);
    pdessm_cli_keep(c, (char *)pdessm_cli_need(names)); /* one block */
    return (const char *const *)names;
}
