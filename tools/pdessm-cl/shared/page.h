/* SPDX-License-Identifier: MIT */
/* page.h: an HTML page that refers to nothing outside of itself: head, style, tables, pictures. */
#ifndef PDESSM_CLI_SHARED_PAGE_H
#define PDESSM_CLI_SHARED_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "cli.h"
#include "files/image.h"

/* A page under way, in memory; all zero can be destroyed. */
typedef struct cli_page {
    cli *c;
    FILE *f; /* what is printed here stands in the body */
    char *text;
    size_t size;
} cli_page;

/* Head and style, up to the begin of the body. */
void pdessm_cli_page_create(cli *c, const char *title, cli_page *ret);
/* The end of the body; the file appears whole or not at all. */
pdessm_status pdessm_cli_page_write(cli_page *page, const char *path);
void pdessm_cli_page_destroy(cli_page *page);

/* Text between tags, or in an attribute. */
void pdessm_cli_page_escape(FILE *f, const char *text);
/* <tag class="..">text</tag>; no class when it is NULL. */
void pdessm_cli_page_element(FILE *f, const char *tag, const char *class, const char *text);
void pdessm_cli_page_cell(FILE *f, const char *class, const char *text);

/* A table of two columns: names and what they stand for. */
void pdessm_cli_page_facts_begin(FILE *f);
void pdessm_cli_page_fact(FILE *f, const char *name, const char *format, ...) PDESSM_PRINTF(3, 4);
void pdessm_cli_page_facts_end(FILE *f);

/* <img> with the file's bytes inside; shown `scale` times as wide as it is, in sharp pixels, but
 * never wider than the page. */
void pdessm_cli_page_png(FILE *f, const uint8_t *png, size_t size, int64_t width, int scale,
                         const char *what);
pdessm_status pdessm_cli_page_picture(pdessm_context *ctx, FILE *f, const pdessm_bitmap *picture,
                                      int scale, const char *what);

/* "2026-11-21 17:02 UTC" */
typedef struct cli_date_text {
    char text[64];
} cli_date_text;
cli_date_text pdessm_cli_page_date(void);

#endif
