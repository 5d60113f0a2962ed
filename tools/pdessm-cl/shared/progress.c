/* SPDX-License-Identifier: MIT */
/* progress.c: bar, share, time left. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LONGEST_BAR = 24, SHORTEST_BAR = 4 };

static const double seconds_between_draws = 0.2, seconds_between_lines = 10;

void pdessm_cli_progress_begin(cli_progress *p, cli *c, const char *what, double first_share) {
    *p = (cli_progress){.c = c,
                        .what = what,
                        .start = pdessm_seconds(),
                        .first_share = first_share,
                        .terminal = isatty(STDERR_FILENO),
                        .outer = c->progress};
    c->progress = p;
}

static void format_duration(double seconds, char *ret, size_t size) {
    long s = seconds < 0 ? 0 : seconds > 1e8 ? 100000000 : (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(ret, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(ret, size, "%ld:%02ld", s / 60, s % 60);
}

/* Columns that a line may take: one that wraps could not be rewritten. */
static int line_width(const cli_progress *p) {
    struct winsize window = {0};
    if (!p->terminal)
        return (int)sizeof p->line - 1;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 ? window.ws_col - 1
                                                                               : 79;
}

/* The bar takes what the words leave, within limits. */
static void compose(cli_progress *p, double share, const char *detail) {
    char bar[LONGEST_BAR + 1], words[200], left[32] = "-:--";
    double elapsed = pdessm_seconds() - p->start, gained = share - p->first_share;
    if (gained > 0)
        format_duration(elapsed * (1 - share) / gained, left, sizeof left);
    int used = snprintf(words, sizeof words, "%3.0f%%  %s  left %s", 100 * share, detail, left);
    int length = line_width(p) - used - (int)strlen(p->what) - 4;
    length = length > LONGEST_BAR ? LONGEST_BAR : length < SHORTEST_BAR ? SHORTEST_BAR : length;
    memset(bar, '.', (size_t)length);
    memset(bar, '#', (size_t)(share * length));
    bar[length] = '\0';
    snprintf(p->line, sizeof p->line, "%s [%s] %s", p->what, bar, words);
}

static void draw(cli_progress *p) {
    fprintf(stderr, "\r\033[K%.*s", line_width(p), p->line);
    fflush(stderr);
    p->shown = 1;
}

void pdessm_cli_progress_update(cli_progress *p, double share, const char *detail) {
    double now = pdessm_seconds();
    double pause = p->terminal ? seconds_between_draws : seconds_between_lines;
    if (p->c->quiet)
        return;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    compose(p, share, detail);
    if (p->last > 0 && now - p->last < pause)
        return;
    p->last = now;
    if (p->terminal)
        draw(p);
    else
        fprintf(stderr, "%s\n", p->line);
}

void pdessm_cli_progress_clear(cli_progress *p) {
    if (!p || !p->terminal || !p->shown)
        return;
    fputs("\r\033[K", stderr);
    p->shown = 0;
    p->last = 0;
}

void pdessm_cli_progress_end(cli_progress *p) {
    if (!p->c)
        return;
    p->c->progress = p->outer;
    if (p->c->quiet || !p->line[0])
        return;
    if (p->terminal) {
        draw(p);
        fputc('\n', stderr);
    }
    p->line[0] = '\0';
}
