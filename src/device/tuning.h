/* SPDX-License-Identifier: MIT */
/* tuning.h: choices that operators leave open, and which of them was measured to be best where.
 *
 * An operator declares its choices once, beside its adapters: the values worth trying, when one can
 * be used, and which one is taken unless something better is known. Adapters ask pdessm_choose().
 * `pdessm-cl tune` walks over the declarations, measures, and saves what won: one small file for
 * each device, driver and program version, in the folder `tuning` of the cache. It is read when a
 * device is opened; PDESSM_TUNING=off leaves it unread. */
#ifndef PDESSM_DEVICE_TUNING_H
#define PDESSM_DEVICE_TUNING_H

#include "device/op.h"

enum { PDESSM_CANDIDATES = 8, PDESSM_CHOICES = 6, PDESSM_CLASS_EXTENTS = 3 };

typedef struct pdessm_tuning pdessm_tuning;

/* Where a choice is made. */
typedef struct pdessm_site {
    const pdessm_call *call;
    const pdessm_device_info *info; /* NULL: plain C */
    const pdessm_host *host;        /* NULL: a device */
    const pdessm_tuning *tuning;    /* NULL: nothing is known */
} pdessm_site;

typedef struct pdessm_choice {
    const char *name;
    /* Values to try, none of them 0, which ends the list. A stored value has to be one of them. */
    int64_t candidate[PDESSM_CANDIDATES + 1];
    const char *const *names; /* of values that are no quantities: names[value]; or NULL */
    /* Can the value be used here? It may ask for choices that stand earlier in the list. */
    int (*applies)(const pdessm_site *site, int64_t value);
    /* What is used when nothing was measured; asked only where the choice is made: an adapter of
     * the same place, or where some value applies. */
    int64_t (*standard)(const pdessm_site *site);
} pdessm_choice;

/* All choices of one operator. What was measured for one shape holds for its class: up to three
 * extents, 0 for those that do not matter. */
typedef struct pdessm_tunable {
    void (*classify)(const pdessm_call *call, int64_t ret[PDESSM_CLASS_EXTENTS]);
    int count;
    pdessm_choice choice[PDESSM_CHOICES];
} pdessm_tunable;

/* One measured choice. */
typedef struct pdessm_tuned {
    pdessm_op op;
    pdessm_pass pass;
    int64_t extent[PDESSM_CLASS_EXTENTS];
    int choice;
    int64_t value;
    double gain; /* time of the standard over time of the value */
} pdessm_tuned;

/* The value to use: what is stored if it applies, else the standard. */
int64_t pdessm_choose(const pdessm_site *site, int choice);

/* Opens the tuning of a device and reads its file, if there is one. A damaged file is a warning and
 * counts as none; the only failure is ERROR_MEMORY. */
pdessm_status pdessm_tuning_open(pdessm_context *ctx, const pdessm_device_info *info,
                                 pdessm_tuning **ret);
void pdessm_tuning_close(pdessm_tuning **tuning);

/* Sets the value for the call's class, from the next call on; 0 goes back to the standard. */
pdessm_status pdessm_tuning_set(pdessm_tuning *tuning, const pdessm_call *call, int choice,
                                int64_t value, double gain);

/* Writes the file, at once and as a whole. */
pdessm_status pdessm_tuning_save(const pdessm_tuning *tuning);
/* Forgets everything and removes the file; *ret_was_there says whether there was one. */
pdessm_status pdessm_tuning_clear(pdessm_tuning *tuning, int *ret_was_there);

/* The file's name; "" when no cache folder is known. */
const char *pdessm_tuning_path(const pdessm_tuning *tuning);
int pdessm_tuning_count(const pdessm_tuning *tuning);
const pdessm_tuned *pdessm_tuning_get(const pdessm_tuning *tuning, int i);

/* "16x16", and "own" or "8". */
typedef struct pdessm_tuning_text {
    char text[96];
} pdessm_tuning_text;
pdessm_tuning_text pdessm_tuning_class_text(const int64_t extent[PDESSM_CLASS_EXTENTS]);
pdessm_tuning_text pdessm_tuning_value_text(pdessm_op op, int choice, int64_t value);

#endif
