/* SPDX-License-Identifier: MIT */
/* embedding.cl: rows of a table by index; an index outside of the table gives a row of NaN. */

__kernel void embedding_forward(READ(table), READ_INT(index), WRITE(y), int n, int rows,
                                int channels) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int row = AT(index)[i / channels];
    int inside = row >= 0 && row < rows;
    AT(y)[i] = inside ? AT(table)[(ulong)row * channels + i % channels] : NAN;
}

__kernel void embedding_zero(UNUSED(table), UNUSED(index), UNUSED(y), WRITE(dtable), UNUSED(dy),
                             uint accumulate, int n) {
    int i = (int)get_global_id(0);
    if (i < n)
        AT(dtable)[i] = 0.0f;
}

/* One channel a work-item, samples in rising order: no two items meet, and sums keep their order.
 */
__kernel void embedding_backward(UNUSED(table), READ_INT(index), UNUSED(y), WRITE(dtable), READ(dy),
                                 uint accumulate, int batch, int rows, int channels) {
    int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    for (int b = 0; b < batch; b++) {
        int row = AT(index)[b];
        if (row >= 0 && row < rows)
            AT(dtable)[(ulong)row * channels + c] += AT(dy)[(ulong)b * channels + c];
    }
}
