/* SPDX-License-Identifier: MIT */
/* page.c: what the pages of bench and report have in common. */
#include "page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "files/atomic_file.h"
#include "print.h"

/* Ink on paper or light on dark, as the reader's system asks; paper always has the first. */
static const char colours[] =
    ":root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dde2e8;--page:#fff;"
    "--card:#f5f7f9;--s0:#2f6db3;--s1:#d97b18;--s2:#2a9d78;--s3:#8a5fb5;--s4:#b8433f;--s5:#6b7785;"
    "--bad:#b3261e}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa6b5;"
    "--line:#353d48;--page:#14181d;--card:#1d232a;--s0:#6ea6e8;--s1:#efa04c;--s2:#57c7a0;"
    "--s3:#b790de;--s4:#e07b76;--s5:#98a4b3;--bad:#ff8a80}}\n";

static const char style[] =
    "body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:76rem;background:var(--page);"
    "color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .2rem}"
    "h3{font-size:1rem;margin:1.4rem 0 .2rem}\n"
    ".note,.legend,.facts{color:var(--soft);margin:.15rem 0 .6rem}.note{max-width:54rem}\n"
    "code,pre{font:13px ui-monospace,monospace;background:var(--card);border-radius:4px;"
    "color:var(--ink)}code{padding:.15rem .35rem;overflow-wrap:anywhere}"
    "pre{padding:.6rem .8rem;white-space:pre-wrap;columns:20rem}\n"
    ".chart{max-width:54rem}.legend span{margin-right:1.2rem}\n"
    ".legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;"
    "border-radius:2px;vertical-align:-1px}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;"
    "fill:var(--ink)}svg .label{text-anchor:end}svg .tick{text-anchor:middle;fill:var(--soft)}\n"
    "svg .side{text-anchor:end;fill:var(--soft)}svg .axis{fill:var(--soft)}\n"
    "svg .grid{stroke:var(--line)}svg .spread{stroke:var(--ink);stroke-width:1.5}\n"
    "svg .reference{stroke:var(--soft);stroke-dasharray:4 3}\n"
    ".s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}"
    ".s4{fill:var(--s4)}.s5{fill:var(--s5)}\n"
    "i.s0{background:var(--s0)}i.s1{background:var(--s1)}i.s2{background:var(--s2)}"
    "i.faint{opacity:.4}i.s3{background:var(--s3)}i.s4{background:var(--s4)}i.s5{background:var(--"
    "s5)}\n"
    "path.s0{stroke:var(--s0)}path.s1{stroke:var(--s1)}path.s2{stroke:var(--s2)}"
    "path.s3{stroke:var(--s3)}path.s4{stroke:var(--s4)}path.s5{stroke:var(--s5)}\n"
    "svg .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    "svg .thin{fill:none;stroke-width:1;opacity:.4}svg .dot{stroke:none;opacity:.55}"
    "svg .bars{stroke:none;opacity:.75}\n";

/* Chart and table stand beside each other where there is room. */
static const char layout[] =
    ".beside{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start}"
    ".beside>.chart{flex:1 1 30rem;min-width:0}.beside>.scroll{flex:0 1 auto;max-width:100%}"
    ".small{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem 1.5rem}"
    ".small>.chart{min-width:0}.chart h3{margin-top:.6rem}.beside,.small{margin-bottom:1rem}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left}"
    ".n{text-align:right}\n"
    "th{position:sticky;top:0;background:var(--card)}tbody th{font-weight:normal;"
    "color:var(--soft);background:none}table.sortable th{cursor:pointer}\n"
    "th[aria-sort=ascending]::after{content:' \\2191'}"
    "th[aria-sort=descending]::after{content:' \\2193'}\n"
    "td.wide{white-space:normal;min-width:10rem}.bad{color:var(--bad)}"
    "tr.unmeasured{color:var(--soft)}summary{cursor:pointer}\n"
    ".warn{border-left:3px solid var(--s1);padding:.1rem .8rem;max-width:54rem}\n"
    "img{max-width:100%;height:auto;image-rendering:pixelated;display:block;border-radius:3px}"
    "figure{margin:0}figcaption{color:var(--soft);font-size:13px}\n"
    ".strip{display:flex;flex-wrap:wrap;gap:.8rem}.strip.one figure{display:none}"
    ".strip.one figure.on{display:block}.slider{display:none;gap:1rem;align-items:center;"
    "max-width:40rem;margin:.4rem 0}.slider input{flex:1}\n"
    "@media print{body{padding:0;max-width:none;font-size:11px}section,figure,tr,.beside{"
    "break-inside:avoid}h2,h3,.note{break-after:avoid}.slider{display:none!important}"
    ".strip.one figure{display:block;width:22%}.scroll{overflow:visible}table{font-size:10px}"
    ".beside{flex-wrap:nowrap}.small{grid-template-columns:repeat(4,1fr)}th,td{padding:.15rem "
    ".4rem}}\n";

/* A click on a title sorts by that column, a second one the other way round. */
static const char sorting[] =
    "for(const th of document.querySelectorAll('table.sortable th')){th.tabIndex=0;"
    "const sort=()=>{const row=th.parentNode,body=row.closest('table').tBodies[0];"
    "const i=[...row.children].indexOf(th);"
    "const up=th.getAttribute('aria-sort')!=='ascending';"
    "for(const o of row.children)o.removeAttribute('aria-sort');"
    "th.setAttribute('aria-sort',up?'ascending':'descending');"
    "const key=r=>{const v=r.children[i].dataset.v;return v===''?Infinity:isNaN(v)?v:+v};"
    "const order=(a,b)=>{const x=key(a),y=key(b);return x<y?-1:x>y?1:0};"
    "body.append(...[...body.rows].sort((a,b)=>up?order(a,b):order(b,a)))};"
    "th.onclick=sort;th.onkeydown=e=>{if(e.key==='Enter')sort()}}\n";

/* A strip of pictures becomes one picture and a slider; without a script it stays a strip. */
static const char sliding[] =
    "for(const s of document.querySelectorAll('.slider')){const strip=s.nextElementSibling,"
    "all=[...strip.children],input=s.querySelector('input'),out=s.querySelector('output');"
    "if(all.length<2)continue;s.style.display='flex';strip.classList.add('one');"
    "const show=()=>{all.forEach((f,i)=>f.classList.toggle('on',i==input.value));"
    "out.textContent=all[input.value].dataset.name};"
    "input.max=all.length-1;input.value=input.max;input.oninput=show;show()}\n";

/* ------------------------------------------------------------------ the page */

void pdessm_cli_page_create(cli *c, const char *title, cli_page *ret) {
    *ret = (cli_page){.c = c};
    ret->f = pdessm_cli_need(open_memstream(&ret->text, &ret->size));
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          ret->f);
    pdessm_cli_page_escape(ret->f, title);
    fprintf(ret->f, "</title>\n<style>\n%s%s%s</style></head><body>\n", colours, style, layout);
}

pdessm_status pdessm_cli_page_write(cli_page *page, const char *path) {
    fprintf(page->f, "<script>\n%s%s</script></body></html>\n", sorting, sliding);
    int bad = ferror(page->f);
    bad |= fclose(page->f) != 0;
    page->f = NULL;
    return bad ? pdessm_fail(page->c->ctx, PDESSM_ERROR_MEMORY, "out of memory: the page %s", path)
               : pdessm_write_file(page->c->ctx, path, page->text, page->size);
}

void pdessm_cli_page_destroy(cli_page *page) {
    if (page->f)
        fclose(page->f);
    free(page->text);
    *page = (cli_page){0};
}

/* ------------------------------------------------------------------ text and tables */

void pdessm_cli_page_escape(FILE *f, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*text, f);
        }
}

void pdessm_cli_page_element(FILE *f, const char *tag, const char *class, const char *text) {
    fprintf(f, class ? "<%s class=\"%s\">" : "<%s>", tag, class);
    pdessm_cli_page_escape(f, text);
    fprintf(f, "</%s>", tag);
}

void pdessm_cli_page_cell(FILE *f, const char *class, const char *text) {
    pdessm_cli_page_element(f, "td", class, text);
}

void pdessm_cli_page_facts_begin(FILE *f) {
    fputs("<div class=\"scroll\"><table><tbody>\n", f);
}

void pdessm_cli_page_fact(FILE *f, const char *name, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs("<tr>", f);
    pdessm_cli_page_element(f, "th", NULL, name);
    pdessm_cli_page_cell(f, "wide", text);
    fputs("</tr>\n", f);
}

void pdessm_cli_page_facts_end(FILE *f) {
    fputs("</tbody></table></div>\n", f);
}

cli_date_text pdessm_cli_page_date(void) {
    cli_date_text date = {""};
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(date.text, sizeof date.text, "%Y-%m-%d %H:%M UTC", &utc);
    return date;
}

/* ------------------------------------------------------------------ pictures */

static void print_base64(FILE *f, const uint8_t *data, size_t size) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t v = (uint32_t)data[i] << 16 | (uint32_t)(left > 1 ? data[i + 1] : 0) << 8 |
                     (uint32_t)(left > 2 ? data[i + 2] : 0);
        const char four[] = {digit[v >> 18], digit[v >> 12 & 63],
                             left > 1 ? digit[v >> 6 & 63] : '=', left > 2 ? digit[v & 63] : '='};
        fwrite(four, 1, sizeof four, f);
    }
}

void pdessm_cli_page_png(FILE *f, const uint8_t *png, size_t size, int64_t width, int scale,
                         const char *what) {
    fprintf(f, "<img width=\"%lld\" alt=\"", (long long)width * scale);
    pdessm_cli_page_escape(f, what);
    fputs("\" src=\"data:image/png;base64,", f);
    print_base64(f, png, size);
    fputs("\">", f);
}

pdessm_status pdessm_cli_page_picture(pdessm_context *ctx, FILE *f, const pdessm_bitmap *picture,
                                      int scale, const char *what) {
    uint8_t *png = NULL;
    size_t size = 0;
    pdessm_status status = pdessm_png_encode(ctx, what, picture, &png, &size);
    if (status == PDESSM_OK)
        pdessm_cli_page_png(f, png, size, picture->width, scale, what);
    free(png);
    return status;
}
