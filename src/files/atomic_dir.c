/* SPDX-License-Identifier: MIT */
/* atomic_dir.c: folders that appear whole or not at all: checkpoints. */
#define _GNU_SOURCE
#include "files/atomic_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/atomic_file.h"
#include "files/file.h"

struct pdessm_atomic_dir {
    pdessm_context *ctx;
    char *path, *temporary;
    int published;
};

static const char marker[] = "complete";

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

pdessm_status pdessm_remove_tree(pdessm_context *ctx, const char *path) {
    enum { OPEN_FOLDERS = 16 };
    if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return pdessm_fail_io(ctx, path, "remove", errno, -1);
    return PDESSM_OK;
}

int pdessm_dir_is_complete(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct stat about;
    int found = fstatat(fd, marker, &about, 0) == 0 && S_ISREG(about.st_mode);
    close(fd);
    return found;
}

pdessm_status pdessm_atomic_dir_create(pdessm_context *ctx, const char *path,
                                       pdessm_atomic_dir **ret) {
    pdessm_status status;
    pdessm_atomic_dir *directory = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *directory, &directory));
    directory->ctx = ctx;
    directory->path = strdup(path);
    PDESSM_REQUIRE(ctx, directory->path, PDESSM_ERROR_MEMORY, "out of memory: a path");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        directory->path[n - 1] = 0;
    PDESSM_TRY(pdessm_temporary_name(ctx, path, &directory->temporary));
    PDESSM_TRY(pdessm_remove_tree(ctx, directory->temporary));
    if (mkdir(directory->temporary, 0777) != 0)
        PDESSM_TRY(pdessm_fail_io(ctx, directory->temporary, "create", errno, -1));
    *ret = directory;
    directory = NULL;
out:
    pdessm_atomic_dir_destroy(&directory);
    return status;
}

const char *pdessm_atomic_dir_path(const pdessm_atomic_dir *directory) {
    return directory->temporary;
}

/* Syncs the files of a folder, its subfolders, and the folder itself. */
static pdessm_status sync_tree(pdessm_context *ctx, const char *path) {
    pdessm_status status = PDESSM_OK;
    char *inner = NULL;
    DIR *listing = opendir(path);
    if (!listing)
        return pdessm_fail_io(ctx, path, "list", errno, -1);
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        struct stat about;
        PDESSM_TRY(pdessm_path_join(ctx, path, entry->d_name, &inner));
        if (lstat(inner, &about) != 0)
            PDESSM_TRY(pdessm_fail_io(ctx, inner, "stat", errno, -1));
        if (S_ISDIR(about.st_mode))
            PDESSM_TRY(sync_tree(ctx, inner));
        else if (S_ISREG(about.st_mode))
            PDESSM_TRY(pdessm_sync_path(ctx, inner));
        free(inner);
        inner = NULL;
    }
    status = pdessm_sync_path(ctx, path);
out:
    free(inner);
    closedir(listing);
    return status;
}

/* Exchanges the new folder with the old one in one step, so that at no moment there is none; then
 * `temporary` names the old one. File systems without the exchange get two renames. */
static pdessm_status replace(pdessm_atomic_dir *directory) {
    pdessm_context *ctx = directory->ctx;
    const char *from = directory->temporary, *to = directory->path;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
        return pdessm_remove_tree(ctx, from);
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return pdessm_fail_io(ctx, to, "replace", errno, -1);
    pdessm_status status;
    char *aside = NULL;
    if (asprintf(&aside, "%s.old-%ld", to, (long)getpid()) < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a path");
    PDESSM_TRY(pdessm_remove_tree(ctx, aside));
    if (rename(to, aside) != 0)
        PDESSM_TRY(pdessm_fail_io(ctx, to, "move aside", errno, -1));
    if (rename(from, to) != 0) {
        int code = errno;
        if (rename(aside, to) != 0)
            PDESSM_TRY(pdessm_fail(ctx, PDESSM_ERROR_IO,
                                   "%s: cannot rename to: %s; the older folder is now %s", to,
                                   strerror(code), aside));
        PDESSM_TRY(pdessm_fail_io(ctx, to, "rename to", code, -1));
    }
    status = pdessm_remove_tree(ctx, aside);
out:
    free(aside);
    return status;
}

pdessm_status pdessm_atomic_dir_publish(pdessm_atomic_dir *directory) {
    pdessm_context *ctx = directory->ctx;
    pdessm_status status;
    char *mark = NULL, *parent = NULL;
    PDESSM_TRY(sync_tree(ctx, directory->temporary));
    PDESSM_TRY(pdessm_path_join(ctx, directory->temporary, marker, &mark));
    PDESSM_TRY(pdessm_write_file(ctx, mark, "", 0));
    struct stat about;
    if (lstat(directory->path, &about) == 0)
        PDESSM_TRY(replace(directory));
    else if (rename(directory->temporary, directory->path) != 0)
        PDESSM_TRY(pdessm_fail_io(ctx, directory->path, "rename to", errno, -1));
    directory->published = 1;
    PDESSM_TRY(pdessm_path_parent(ctx, directory->path, &parent));
    PDESSM_TRY(pdessm_sync_path(ctx, parent));
out:
    free(mark);
    free(parent);
    return status;
}

void pdessm_atomic_dir_destroy(pdessm_atomic_dir **directory) {
    pdessm_atomic_dir *d = *directory;
    if (!d)
        return;
    /* A clean-up that fails must not hide the message of what failed before. */
    if (d->temporary && !d->published)
        (void)nftw(d->temporary, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(d->temporary);
    free(d->path);
    free(d);
    *directory = NULL;
}
