/* SPDX-License-Identifier: MIT */
/* replay.c: runs a fuzz target over files, for compilers without libFuzzer and for regressions. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static int replay(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t used = 0, space = 0;
    if (!file) {
        perror(path);
        return 1;
    }
    for (size_t n = 1; n > 0; used += n) {
        if (used == space) {
            space = space ? 2 * space : 4096;
            data = realloc(data, space);
            if (!data)
                abort();
        }
        n = fread(data + used, 1, space - used, file);
    }
    fclose(file);
    /* A block of exactly this size, so that a sanitizer sees a read behind the end. */
    uint8_t *exact = realloc(data, used ? used : 1);
    LLVMFuzzerTestOneInput(exact, used);
    free(exact);
    return 0;
}

int main(int count, char **paths) {
    int failed = 0;
    for (int i = 1; i < count; i++)
        failed |= replay(paths[i]);
    printf("%d inputs replayed\n", count - 1);
    return failed;
}
