/* SPDX-License-Identifier: MIT */
/* text.h: numbers as people read them. */
#ifndef PDESSM_CORE_TEXT_H
#define PDESSM_CORE_TEXT_H

#include <stdint.h>

/* "512 B", "1.4 GiB". */
typedef struct pdessm_bytes_text {
    char text[32];
} pdessm_bytes_text;
pdessm_bytes_text pdessm_text_of_bytes(int64_t bytes);

#endif
