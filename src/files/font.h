/* SPDX-License-Identifier: MIT */
/* font.h: a bitmap font for labels in pictures. */
#ifndef PDESSM_FILES_FONT_H
#define PDESSM_FILES_FONT_H

#include "files/image.h"

enum { PDESSM_FONT_HEIGHT = 7, PDESSM_FONT_ADVANCE = 6 };

/* Width in pixels of a text at a scale. */
int64_t pdessm_text_width(const char *text, int64_t scale);

/* Draws text in black with its upper left corner at (y, x); parts outside the picture, or right
 * of `end`, are cut. Anything but printable ASCII shows as a box. */
void pdessm_text_draw(pdessm_bitmap *picture, const char *text, int64_t y, int64_t x, int64_t end,
                      int64_t scale);

#endif
