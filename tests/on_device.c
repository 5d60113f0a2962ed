/* SPDX-License-Identifier: MIT */
/* on_device.c: on_device NAME PROGRAM ARGUMENTS...: becomes the program if there is such a device;
 * else says so and exits with 77, which Meson counts as a skip (and tools/test.sh as a failure
 * under CI). The program finds the name in PDESSM_TEST_DEVICE. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pdessm/device.h>

enum { SKIP = 77 };

static void print_log(void *user, pdessm_log_level level, const char *text) {
    (void)user;
    (void)level;
    fprintf(stderr, "%s\n", text);
}

static int is_there(const char *name) {
    pdessm_context *ctx = NULL;
    pdessm_device_info *list = NULL;
    int count = 0, found = 0;
    const pdessm_context_options options = {.threads = 1, .log = print_log};
    if (pdessm_context_create(&options, &ctx) != PDESSM_OK)
        return 0;
    if (pdessm_device_list(ctx, &list, &count) != PDESSM_OK)
        fprintf(stderr, "%s\n", pdessm_context_error(ctx));
    for (int i = 1; i < count; i++)
        found |= strcasestr(list[i].name, name) || strcasestr(list[i].platform_name, name);
    free(list);
    pdessm_context_destroy(&ctx);
    return found;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: on_device NAME PROGRAM ARGUMENTS...\n");
        return 2;
    }
    if (strcmp(argv[1], "cpu") != 0 && !is_there(argv[1])) {
        fprintf(stderr, "SKIP: no OpenCL device '%s' here\n", argv[1]);
        return SKIP;
    }
    setenv("PDESSM_TEST_DEVICE", argv[1], 1);
    const char *preload = getenv("PDESSM_TEST_PRELOAD");
    if (preload)
        setenv("LD_PRELOAD", preload, 1);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
