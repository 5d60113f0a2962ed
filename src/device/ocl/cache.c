/* SPDX-License-Identifier: MIT */
/* cache.c: built programs on disk, one file each, named by a hash of all that decides its content:
 * sources, options, device, driver, platform.
 *
 * FOLDER/programs/HASH.bin holds our own kernels, FOLDER/clfft/ what clFFT stores. FOLDER is
 * PDESSM_CACHE_DIR, else XDG_CACHE_HOME/pdessm-cl, else ~/.cache/pdessm-cl. A file appears by a
 * rename, so that readers never see half of one; a damaged one is built again. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/ocl/ocl.h"
#include "files/cache_folder.h"

static const char magic[16] = "pdessm program 1";

enum { PATH_BYTES = 4096 };

struct header {
    char magic[16];
    pdessm_ocl_key key;
    uint64_t size, checksum;
};

static const char *const children[] = {"programs", "clfft"};

/* ------------------------------------------------------------------ hash (FNV-1a) */

static const uint64_t basis = 14695981039346656037u;

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 1099511628211u;
    return hash;
}

static void hash_text(pdessm_ocl_key *key, const char *text) {
    size_t size = strlen(text) + 1; /* the zero keeps "ab" "c" apart from "a" "bc" */
    for (int i = 0; i < 2; i++)
        key->half[i] = hash_bytes(key->half[i], text, size);
}

pdessm_ocl_key pdessm_ocl_key_of(const pdessm_ocl *o, int texts, const char *const *text) {
    pdessm_ocl_key key = {{basis, basis ^ 0x9e3779b97f4a7c15u}};
    char platform[512] = "";
    clGetPlatformInfo(o->platform, CL_PLATFORM_VERSION, sizeof platform - 1, platform, NULL);
    for (int i = 0; i < texts; i++)
        hash_text(&key, text[i]);
    hash_text(&key, o->info.name);
    hash_text(&key, o->info.driver);
    hash_text(&key, o->info.version);
    hash_text(&key, o->info.platform_name);
    hash_text(&key, platform);
    return key;
}

/* ------------------------------------------------------------------ folders */

int pdessm_ocl_cache_folder(const char *child, char *ret, size_t size) {
    return pdessm_cache_folder(child, ret, size) && pdessm_cache_folder_make(ret);
}

static int file_path(pdessm_ocl_key key, char *ret, size_t size) {
    char folder[PATH_BYTES];
    if (!pdessm_cache_folder("programs", folder, sizeof folder))
        return 0;
    int length = snprintf(ret, size, "%s/%016llx%016llx.bin", folder,
                          (unsigned long long)key.half[0], (unsigned long long)key.half[1]);
    return length > 0 && (size_t)length < size;
}

/* ------------------------------------------------------------------ load and store */

/* Reads header and body; NULL when anything about them is not as it was written. */
static unsigned char *read_program(FILE *file, pdessm_ocl_key key, size_t *ret_size) {
    struct header header;
    struct stat info;
    if (fread(&header, sizeof header, 1, file) != 1 || fstat(fileno(file), &info) != 0 ||
        memcmp(header.magic, magic, sizeof magic) != 0 ||
        memcmp(&header.key, &key, sizeof key) != 0 || header.size == 0 ||
        header.size != (uint64_t)info.st_size - sizeof header)
        return NULL;
    size_t size = (size_t)header.size;
    unsigned char *bytes = malloc(size);
    if (bytes && fread(bytes, 1, size, file) == size &&
        hash_bytes(basis, bytes, size) == header.checksum) {
        *ret_size = size;
        return bytes;
    }
    free(bytes);
    return NULL;
}

unsigned char *pdessm_ocl_cache_load(pdessm_ocl *o, pdessm_ocl_key key, size_t *ret_size) {
    char path[PATH_BYTES + 64];
    FILE *file = file_path(key, path, sizeof path) ? fopen(path, "rb") : NULL;
    if (!file)
        return NULL;
    unsigned char *bytes = read_program(file, key, ret_size);
    fclose(file);
    if (!bytes)
        pdessm_log(o->ctx, PDESSM_LOG_NOTE, "%s: cached kernel is damaged; it is built again",
                   path);
    return bytes;
}

static int write_program(const char *path, const struct header *header,
                         const unsigned char *bytes) {
    char temporary[PATH_BYTES + 128];
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int descriptor = mkstemp(temporary);
    if (descriptor < 0)
        return 0;
    FILE *file = fdopen(descriptor, "wb");
    if (!file) {
        close(descriptor);
        unlink(temporary);
        return 0;
    }
    int written = fwrite(header, sizeof *header, 1, file) == 1 &&
                  fwrite(bytes, 1, (size_t)header->size, file) == (size_t)header->size;
    written = fclose(file) == 0 && written;
    written = written && rename(temporary, path) == 0;
    if (!written)
        unlink(temporary);
    return written;
}

void pdessm_ocl_cache_store(pdessm_ocl *o, pdessm_ocl_key key, const unsigned char *bytes,
                            size_t size) {
    char folder[PATH_BYTES] = "", path[PATH_BYTES + 64];
    struct header header = {.key = key, .size = size, .checksum = hash_bytes(basis, bytes, size)};
    memcpy(header.magic, magic, sizeof magic);
    if (o->cache_broken)
        return;
    if (pdessm_ocl_cache_folder("programs", folder, sizeof folder) &&
        file_path(key, path, sizeof path) && write_program(path, &header, bytes))
        return;
    o->cache_broken = 1;
    pdessm_log(o->ctx, PDESSM_LOG_NOTE,
               "cannot keep built kernels in '%s' (%s), so every start builds them again; "
               "PDESSM_CACHE_DIR names another folder",
               *folder ? folder : "~/.cache", *folder ? strerror(errno) : "HOME is not set");
}

/* ------------------------------------------------------------------ info and clear */

/* clFFT nests folders: vendor, device, driver, kind of kernel. */
enum { DEEPEST = 6 };

/* Counts, and removes if asked, the plain files of one folder and those below it. */
static pdessm_status visit_folder(pdessm_context *ctx, const char *folder, int depth, int clear,
                                  int64_t *files, int64_t *bytes) {
    pdessm_status status = PDESSM_OK;
    DIR *dir = opendir(folder);
    if (!dir)
        return PDESSM_OK; /* nothing cached yet */
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_BYTES];
        struct stat info;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length >= (int)sizeof path || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0 || lstat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth < DEEPEST)
            PDESSM_TRY(visit_folder(ctx, path, depth + 1, clear, files, bytes));
        if (!S_ISREG(info.st_mode))
            continue;
        *files += 1;
        *bytes += (int64_t)info.st_size;
        PDESSM_REQUIRE(ctx, !clear || unlink(path) == 0, PDESSM_ERROR_IO, "cannot remove %s: %s",
                       path, strerror(errno));
    }
out:
    closedir(dir);
    return status;
}

static pdessm_status visit_cache(pdessm_context *ctx, int clear, int64_t *files, int64_t *bytes) {
    pdessm_status status = PDESSM_OK;
    for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
        char folder[PATH_BYTES];
        PDESSM_REQUIRE(ctx, pdessm_cache_folder(children[i], folder, sizeof folder),
                       PDESSM_ERROR_IO,
                       "there is no cache folder: neither PDESSM_CACHE_DIR, XDG_CACHE_HOME nor "
                       "HOME is set");
        PDESSM_TRY(visit_folder(ctx, folder, 0, clear, files, bytes));
    }
out:
    return status;
}

pdessm_status pdessm_ocl_cache_info(pdessm_context *ctx, char *ret_path, size_t path_size,
                                    int64_t *ret_files, int64_t *ret_bytes) {
    int64_t files = 0, bytes = 0;
    pdessm_status status = visit_cache(ctx, 0, &files, &bytes);
    if (status != PDESSM_OK)
        return status;
    if (!pdessm_cache_folder("", ret_path, path_size))
        return pdessm_fail(ctx, PDESSM_ERROR_IO, "the cache folder's name is too long");
    *ret_files = files;
    *ret_bytes = bytes;
    return PDESSM_OK;
}

pdessm_status pdessm_ocl_cache_clear(pdessm_context *ctx) {
    int64_t files = 0, bytes = 0;
    return visit_cache(ctx, 1, &files, &bytes);
}
