/* SPDX-License-Identifier: MIT */
/* position.c: sine-cosine positions, scaled to the grid that the model was made for. */
#include <math.h>
#include <stdlib.h>

#include "model/build.h"
#include "tape/tape.h"

/* pos[i, j] = [sin(j' w), cos(j' w), sin(i' w), cos(i' w)], w_q = 10000^(-q / (C/4)),
 * i' = i Href / H, j' = j Wref / W; [H, W, C]. */
static void fill(const pdessm_config *c, int64_t height, int64_t width, float *pos) {
    int64_t quarter = c->width / 4;
    for (int64_t i = 0; i < height; i++)
        for (int64_t j = 0; j < width; j++)
            for (int64_t q = 0; q < quarter; q++) {
                double w = pow(10000.0, -(double)q / (double)quarter);
                double y = (double)(i * c->reference_grid[0]) / (double)height * w;
                double x = (double)(j * c->reference_grid[1]) / (double)width * w;
                float *p = pos + (i * width + j) * c->width + q;
                p[0] = (float)sin(x);
                p[quarter] = (float)cos(x);
                p[2 * quarter] = (float)sin(y);
                p[3 * quarter] = (float)cos(y);
            }
}

static pdessm_status make_table(pdessm_model *m, int64_t height, int64_t width,
                                pdessm_tensor **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *table = NULL;
    float *values = NULL;
    struct pdessm_position *more = realloc(m->position, sizeof *more * (size_t)(m->positions + 1));
    PDESSM_REQUIRE(m->ctx, more, PDESSM_ERROR_MEMORY, "out of memory: positions");
    m->position = more;
    int64_t dims[] = {height * width, m->config.width};
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, 2, dims, &table));
    PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)(dims[0] * dims[1]), sizeof *values, &values));
    fill(&m->config, height, width, values);
    PDESSM_TRY(pdessm_tensor_write(table, values));
    m->position[m->positions++] = (struct pdessm_position){height, width, table};
    *ret = table;
    table = NULL;
out:
    free(values);
    pdessm_tensor_destroy(&table);
    return status;
}

pdessm_tensor *pdessm_build_position(const pdessm_builder *b) {
    pdessm_model *m = b->model;
    pdessm_tensor *table = NULL;
    for (int i = 0; i < m->positions; i++)
        if (m->position[i].height == b->height && m->position[i].width == b->width)
            table = m->position[i].table;
    if (!table) {
        pdessm_status status = make_table(m, b->height, b->width, &table);
        if (status != PDESSM_OK)
            return pdessm_tape_fail(b->tape, status);
    }
    return pdessm_tape_parameter(b->tape, table, NULL);
}
