/* SPDX-License-Identifier: MIT */
/* panel_products.h: the layout in which products of many rows of float64 are taken. */
#ifndef PDESSM_FALLBACK_PANEL_PRODUCTS_H
#define PDESSM_FALLBACK_PANEL_PRODUCTS_H

/* A panel holds PDESSM_PANEL rows of a matrix, one column after the other: [depth][PDESSM_PANEL].
 * So the operand that is read as vectors and the one that is read number by number look alike. */
enum { PDESSM_PANEL = 16 };

#endif
