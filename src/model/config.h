/* SPDX-License-Identifier: MIT */
/* config.h: the fields of a configuration as tables, for checking and for files. */
#ifndef PDESSM_MODEL_CONFIG_H
#define PDESSM_MODEL_CONFIG_H

#include "model/model.h"

/* In the place of an initial value: a file without the key is refused. */
enum { PDESSM_REQUIRED = -1 };

/* A whole number with its JSON key, the range that makes sense, and what an absent key means. */
typedef struct pdessm_config_field {
    const char *key;
    size_t offset;
    int least, most, initial;
} pdessm_config_field;

/* One of several words, in the order of its enum. */
typedef struct pdessm_config_choice {
    const char *key;
    size_t offset;
    const char *const *names; /* ends with NULL */
    int initial;
} pdessm_config_choice;

/* Both end with a NULL key. */
const pdessm_config_field *pdessm_config_fields(void);
const pdessm_config_choice *pdessm_config_choices(void);

/* The number, or the place of the word, that a row stands for. */
int *pdessm_config_number(pdessm_config *config, size_t offset);

/* The place of a text in a list that ends with NULL, or -1. */
int pdessm_config_place(const char *text, const char *const *list);

#endif
