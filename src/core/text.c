/* SPDX-License-Identifier: MIT */
/* text.c: numbers as people read them. */
#include "core/text.h"

#include <stdio.h>

pdessm_bytes_text pdessm_text_of_bytes(int64_t bytes) {
    static const char units[][4] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    pdessm_bytes_text text;
    double value = (double)bytes;
    int unit = 0;
    while (value >= 1024 && unit + 1 < (int)(sizeof units / sizeof *units)) {
        value /= 1024;
        unit++;
    }
    snprintf(text.text, sizeof text.text, unit && value < 100 ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return text;
}
