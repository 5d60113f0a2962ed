/* SPDX-License-Identifier: MIT */
/* batch_norm.cl: mean and variance of each channel over all rows. Sums over rows go in two steps:
 * pieces of the rows into the scratch buffer [pieces, 2, channels], then these, one channel a
 * work-item, so that they are always added in the same order. */

#define NUMBERS                                                                                    \
    __global float *parts, int rows, int channels, int piece, int pieces, int training,            \
        float momentum, float epsilon
#define FORWARD                                                                                    \
    READ(x), READ(weight), READ(bias), WRITE(running), WRITE(y), WRITE(stats), NUMBERS
#define BACKWARD                                                                                   \
    READ(x), READ(weight), UNUSED(bias), UNUSED(running), UNUSED(y), READ(stats), WRITE(dx),       \
        WRITE(dweight), WRITE(dbias), READ(dy), uint accumulate, NUMBERS

/* Sum k of channel c over the pieces. */
static inline float total(__global const float *parts, int k, int c, int pieces, int channels) {
    float sum = 0.0f;
    for (int p = 0; p < pieces; p++)
        sum += parts[((ulong)p * 2 + k) * channels + c];
    return sum;
}

__kernel void batch_norm_sum(FORWARD) {
    int c = (int)get_global_id(0), p = (int)get_global_id(1);
    float sum = 0.0f;
    for (int r = p * piece; r < min((p + 1) * piece, rows); r++)
        sum += AT(x)[(ulong)r * channels + c];
    parts[(ulong)p * 2 * channels + c] = sum;
}

__kernel void batch_norm_mean(FORWARD) {
    int c = (int)get_global_id(0);
    AT(stats)[c] = total(parts, 0, c, pieces, channels) / (float)rows;
}

/* Squares around the mean: their sum keeps its digits where that of plain squares cancels. */
__kernel void batch_norm_squares(FORWARD) {
    int c = (int)get_global_id(0), p = (int)get_global_id(1);
    float sum = 0.0f, mean = AT(stats)[c];
    for (int r = p * piece; r < min((p + 1) * piece, rows); r++) {
        float d = AT(x)[(ulong)r * channels + c] - mean;
        sum += d * d;
    }
    parts[(ulong)p * 2 * channels + c] = sum;
}

__kernel void batch_norm_variance(FORWARD) {
    int c = (int)get_global_id(0);
    float squares = total(parts, 0, c, pieces, channels);
    __global float *to = AT(running);
    to[c] += momentum * (AT(stats)[c] - to[c]);
    to[channels + c] += momentum * (squares / (float)max(rows - 1, 1) - to[channels + c]);
    AT(stats)[channels + c] = 1.0f / sqrt(squares / (float)rows + epsilon);
}

__kernel void batch_norm_running(FORWARD) {
    int c = (int)get_global_id(0);
    AT(stats)[c] = AT(running)[c];
    AT(stats)[channels + c] = 1.0f / sqrt(AT(running)[channels + c] + epsilon);
}

__kernel void batch_norm_forward(FORWARD) {
    int c = (int)get_global_id(0);
    ulong i = (ulong)get_global_id(1) * channels + c;
    AT(y)[i] = (AT(x)[i] - AT(stats)[c]) * (AT(stats)[channels + c] * AT(weight)[c]) + AT(bias)[c];
}

/* Sums of dy and of dy times what x was normalised to. */
__kernel void batch_norm_gradients(BACKWARD) {
    int c = (int)get_global_id(0), p = (int)get_global_id(1);
    float plain = 0.0f, product = 0.0f, mean = AT(stats)[c], scale = AT(stats)[channels + c];
    for (int r = p * piece; r < min((p + 1) * piece, rows); r++) {
        ulong i = (ulong)r * channels + c;
        plain += AT(dy)[i];
        product += AT(dy)[i] * ((AT(x)[i] - mean) * scale);
    }
    parts[((ulong)p * 2) * channels + c] = plain;
    parts[((ulong)p * 2 + 1) * channels + c] = product;
}

/* The totals stay where those of the first piece were. */
__kernel void batch_norm_totals(BACKWARD) {
    int c = (int)get_global_id(0);
    float plain = total(parts, 0, c, pieces, channels);
    float product = total(parts, 1, c, pieces, channels);
    parts[c] = plain;
    parts[channels + c] = product;
    if (GIVEN(dweight))
        PUT(AT(dweight)[c], product, ADDS(1));
    if (GIVEN(dbias))
        PUT(AT(dbias)[c], plain, ADDS(2));
}

__kernel void batch_norm_backward(BACKWARD) {
    int c = (int)get_global_id(0);
    ulong i = (ulong)get_global_id(1) * channels + c;
    float scale = AT(stats)[channels + c], d = AT(dy)[i];
    if (training) {
        float normal = (AT(x)[i] - AT(stats)[c]) * scale;
        d -= (parts[c] + normal * parts[channels + c]) / (float)rows;
    }
    PUT(AT(dx)[i], AT(weight)[c] * scale * d, ADDS(0));
}
