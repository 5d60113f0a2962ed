/* SPDX-License-Identifier: MIT */
/* map.h: inside of a map: named arrays of float32, which are also what its file holds, and
 * the functions of its kind. */
#ifndef PDESSM_MODEL_MAPS_MAP_H
#define PDESSM_MODEL_MAPS_MAP_H

#include <pdessm/precondition.h>
#include <pdessm/safetensors.h>

#include "core/watch.h"
#include "device/device.h"

/* Before every tensor of a map in a file, and its description in the metadata. */
#define PDESSM_MAP_PREFIX "precondition."
#define PDESSM_MAP_KEY "pdessm.precondition"

enum { PDESSM_MAP_ARRAYS = 8 };

typedef struct pdessm_map_array {
    char name[80]; /* without the prefix */
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
    int64_t count;
    float *value;
} pdessm_map_array;

typedef enum pdessm_map_direction { PDESSM_MAP_APPLY, PDESSM_MAP_INVERT } pdessm_map_direction;

/* Images on their way through a map: x and y [n, channels, height, width], x == y or
 * apart. */
typedef struct pdessm_map_run {
    pdessm_map_direction direction;
    int64_t n, height, width;
    int64_t label;         /* of all of them .. */
    const int32_t *labels; /* .. or, for kinds that mix labels, of each, [n] */
    const float *x;
    float *y;
    double *log_det; /* [n], apply only; NULL: not asked for */
} pdessm_map_run;

/* What a kind has to say. `work` of the map is the kind's own: what run makes of the arrays when it
 * first needs it. */
typedef struct pdessm_map_kind {
    int any_size, has_null, has_log_det;
    int mixed; /* images of any labels that it likes to work on at once; 0: of one label alone */
    /* Names and shapes of the arrays that info means; the number of them. */
    int (*list)(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]);
    /* Refuses array contents that cannot be inverted. */
    pdessm_status (*check)(pdessm_precondition *map);
    pdessm_status (*run)(pdessm_precondition *map, const pdessm_map_run *run);
    void (*release)(pdessm_precondition *map);
} pdessm_map_kind;

struct pdessm_precondition {
    pdessm_device *device;
    pdessm_context *ctx;
    int references;
    const pdessm_map_kind *kind;
    pdessm_precondition_info info;
    int count;
    int borrows; /* the arrays are another map's */
    pdessm_map_array array[PDESSM_MAP_ARRAYS];
    char *network; /* flow: the configuration of its network, as JSON; or NULL */
    void *work;
};

extern const pdessm_map_kind pdessm_map_whiten, pdessm_map_spectral, pdessm_map_realnvp,
    pdessm_map_flow;

/* A map with one reference and arrays of zeros, of the shapes that info means. */
pdessm_status pdessm_map_create(pdessm_device *device, const pdessm_precondition_info *info,
                                pdessm_precondition **ret);

/* A map of another kind over arrays that a map shares with it by name, and that must outlive it. */
pdessm_status pdessm_map_part(const pdessm_precondition *map, pdessm_precondition_kind kind,
                              pdessm_precondition **ret);

/* The arrays of such a map, without values. */
int pdessm_map_list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]);

/* The array of that name; the kind's list has it. */
float *pdessm_map_values(const pdessm_precondition *map, const char *name);

/* Images that a map works on together: the most that run is given. */
enum { PDESSM_MAP_CHUNK = 256 };

/* Refuses what pdessm_precondition_apply() and _invert() refuse, before there are any images. */
pdessm_status pdessm_map_check(const pdessm_precondition *map, int64_t n, int64_t height,
                               int64_t width, const int32_t *labels);

/* Both of them, with someone who looks on. */
pdessm_status pdessm_map_turn(pdessm_precondition *map, pdessm_map_direction direction, int64_t n,
                              int64_t height, int64_t width, const int32_t *labels,
                              const float *images, const pdessm_watch *watch, float *ret);

/* ------------------------------------------------------------------ files (map_file.c) */

/* The description as JSON; released with free(). */
pdessm_status pdessm_map_to_json(const pdessm_precondition *map, char **ret_text);

/* The map in an open file; *ret is NULL when it holds none. */
pdessm_status pdessm_map_read(pdessm_device *device, const pdessm_safetensors *file,
                              const char *path, pdessm_precondition **ret);

/* Array number i as a tensor of a file; name has room for the prefix too. */
void pdessm_map_describe(const pdessm_precondition *map, int i, char *name, size_t size,
                         pdessm_safetensors_tensor *ret);

pdessm_status pdessm_map_write(const pdessm_precondition *map, pdessm_safetensors_writer *writer);

/* Does the map have an array of this name, with the prefix? */
int pdessm_map_has(const pdessm_precondition *map, const char *name);

#endif
