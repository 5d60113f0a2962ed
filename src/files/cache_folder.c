/* SPDX-License-Identifier: MIT */
/* cache_folder.c: the folder that the environment names. */
#include "files/cache_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int pdessm_cache_folder(const char *child, char *ret, size_t size) {
    const char *own = getenv("PDESSM_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME"), *tail = *child ? "/" : "";
    int length;
    if (own && *own)
        length = snprintf(ret, size, "%s%s%s", own, tail, child);
    else if (xdg && *xdg)
        length = snprintf(ret, size, "%s/pdessm-cl%s%s", xdg, tail, child);
    else if (home && *home)
        length = snprintf(ret, size, "%s/.cache/pdessm-cl%s%s", home, tail, child);
    else
        return 0;
    return length > 0 && (size_t)length < size;
}

int pdessm_cache_folder_make(const char *path) {
    char part[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memcpy(part, path, length + 1);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0777); /* what matters is whether the last one is there */
        *slash = '/';
    }
    return mkdir(part, 0777) == 0 || errno == EEXIST;
}
