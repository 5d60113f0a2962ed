/* SPDX-License-Identifier: MIT */
/* check_main.c: runs the operators' cases:
 * check [--device NAME] [--op NAME] [--cases N] [--seed S]; ends with "N passed, N failed". */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define OP(name, letters, operands, attributes, meaning) extern const check_operator check_##name;
#include "ops/ops.def"
#undef OP

static const check_operator *const operators[] = {
#define OP(name, letters, operands, attributes, meaning) &check_##name,
#include "ops/ops.def"
#undef OP
};

static void print_log(void *user, pdessm_log_level level, const char *text) {
    (void)user;
    fprintf(stderr, "%s%s\n", level == PDESSM_LOG_WARNING ? "warning: " : "", text);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"device", 1, NULL, 'd'},
                                            {"op", 1, NULL, 'o'},
                                            {"cases", 1, NULL, 'c'},
                                            {"seed", 1, NULL, 's'},
                                            {0}};
    const char *device_name = "cpu", *op_name = NULL;
    int cases = 30, passed = 0, failed = 0;
    uint64_t seed = 1;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'd')
            device_name = optarg;
        else if (o == 'o')
            op_name = optarg;
        else if (o == 'c')
            cases = atoi(optarg);
        else if (o == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    if (pdessm_context_create(&(pdessm_context_options){.log = print_log}, &ctx) != PDESSM_OK ||
        pdessm_device_open(ctx, device_name, &device) != PDESSM_OK) {
        fprintf(stderr, "check: %s\n", ctx ? pdessm_context_error(ctx) : "out of memory");
        return 1;
    }
    printf("device %s, seed %llu, %d cases an operator\n", device->info.name,
           (unsigned long long)seed, cases);
    for (int op = 0; op < PDESSM_OP_COUNT; op++)
        for (int k = 0;
             k < cases && (!op_name || !strcmp(op_name, pdessm_op_get((pdessm_op)op)->name)); k++)
            *(check_case_run(device, (pdessm_op)op, seed + (uint64_t)k, operators[op]) ? &failed
                                                                                       : &passed) +=
                1;
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
    printf("%d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
