/* SPDX-License-Identifier: MIT */
/* on_device.c: on_device NAME PROGRAM ARGUMENTS...: becomes the program if there is such a device;
 * else says so and exits with 77, which Meson counts as a skip (and tools/test.sh as a failure
 * under CI). The program finds the name in PDESSM_TEST_DEVICE and the build tree's OpenCL module
 * wherever it lies itself; PDESSM_TEST_PRELOAD becomes its LD_PRELOAD. */
#define _POSIX_C_SOURCE 200809L
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

/* Any other failure than "no such device" is for the program to meet. */
static int is_there(const char *name) {
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    const pdessm_context_options options = {.threads = 1, .log = print_log};
    if (pdessm_context_create(&options, &ctx) != PDESSM_OK)
        return 1;
    int there = pdessm_device_open(ctx, name, &device) != PDESSM_ERROR_DEVICE;
    if (!there)
        fprintf(stderr, "SKIP: %s\n", pdessm_context_error(ctx));
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
    return there;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: on_device NAME PROGRAM ARGUMENTS...\n");
        return 2;
    }
    setenv("PDESSM_MODULE_PATH", MODULE_FOLDER, 0);
    if (strcmp(argv[1], "cpu") != 0 && !is_there(argv[1]))
        return SKIP;
    setenv("PDESSM_TEST_DEVICE", argv[1], 1);
    const char *preload = getenv("PDESSM_TEST_PRELOAD");
    if (preload)
        setenv("LD_PRELOAD", preload, 1);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
