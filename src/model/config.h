/* SPDX-License-Identifier: MIT */
/* config.h: the fields of a configuration as tables, for checking and for files. */
#ifndef PDESSM_MODEL_CONFIG_H
#define PDESSM_MODEL_CONFIG_H

#include "model/model.h"

enum {
    PDESSM_FIELD_REQUIRED = 1, /* a file without the key is refused; absent others are 0 */
    PDESSM_FIELD_PDE = 2,      /* of the mixer pde only */
    PDESSM_FIELD_MIXING = 4,   /* of the mixers pde, filter and conv */
};

/* A whole number, a flag, or one of several words, with its JSON key and the range that makes
 * sense. */
typedef struct pdessm_config_field {
    const char *key;
    size_t offset;
    int least, most, flags;
    const char *const *names; /* of words, in the order of their enum, ends with NULL; else NULL */
} pdessm_config_field;

/* What b_max is unless a file says otherwise. */
#define PDESSM_USUAL_B_MAX 0.25

/* Ends with a NULL key. */
const pdessm_config_field *pdessm_config_fields(void);

/* The number, or the place of the word, that a row stands for. */
int *pdessm_config_number(pdessm_config *config, size_t offset);

#endif
