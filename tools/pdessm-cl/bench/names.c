/* SPDX-License-Identifier: MIT */
/* names.c: what the rows call their state, their pass and their shape, in every form of output. */
#include "bench.h"

const char *pdessm_cli_bench_status_name(bench_status status) {
    static const char *const names[] = {"ok", "unsupported", "skipped", "error"};
    return names[status];
}

const char *pdessm_cli_bench_pass_name(const bench_row *row) {
    if (row->point.suite != BENCH_OPS)
        return "step";
    return row->point.pass == PDESSM_FORWARD ? "forward" : "backward";
}

const char *pdessm_cli_bench_shape_text(cli *c, const bench_point *p) {
    const char *shape =
        pdessm_cli_text(c, "%lldx%lldx%lldx%lld", (long long)p->batch, (long long)p->height,
                        (long long)p->width, (long long)p->channels);
    return p->outputs ? pdessm_cli_text(c, "%s to %lld", shape, (long long)p->outputs) : shape;
}
