/* SPDX-License-Identifier: MIT */
/* attention.cl: y = softmax(q k^T / sqrt(WIDTH)) v for each head, without the matrix of scores.
 *
 * qkv is [batch, tokens, 3, heads, WIDTH], y [batch, tokens, heads, WIDTH], lse [batch, heads,
 * tokens]. Build options: WIDTH; ROWS, the tokens of an item (CPU form) or of a group (GPU form);
 * KEYS, the tokens of a local tile (GPU form).
 *
 * kernel_check: -DWIDTH=32 -DKEYS=16 -DROWS=4 */

#define SIZES int tokens, int heads, int all, int padded
#define FORWARD READ(qkv), WRITE(y), WRITE(lse)
#define BACKWARD READ(qkv), READ(y), READ(lse), WRITE(dqkv), READ(dy), uint accumulate

/* One head of one image; item 1 of the range is its number among `all`. */
typedef struct {
    int tokens, heads, all, padded, head;
    ulong row; /* from token to token in y; three times that in qkv */
    float scale;
} place;

static inline place here(SIZES)
{
    place z = {tokens, heads, all, padded, (int)get_global_id(1), (ulong)heads * WIDTH,
               1.0f / sqrt((float)WIDTH)};
    return z;
}

/* Where the row of a token begins in y, and that of q (part 0), k (1), v (2) in qkv. */
static inline ulong at_y(place z, int token)
{
    return ((ulong)(z.head / z.heads) * z.tokens + token) * z.row +
           (ulong)(z.head % z.heads) * WIDTH;
}

static inline ulong at_qkv(place z, int token, int part)
{
    return ((ulong)(z.head / z.heads) * z.tokens + token) * 3 * z.row + part * z.row +
           (ulong)(z.head % z.heads) * WIDTH;
}

/* The head's part of the statistics in scratch, [2, all, padded]: lse again, and delta = y . dy. */
static inline ulong at_lse(place z)
{
    return (ulong)z.head * z.padded;
}

static inline ulong at_delta(place z)
{
    return ((ulong)z.all + z.head) * z.padded;
}

__kernel void attention_delta(BACKWARD, __global float *scratch, SIZES)
{
    int token = (int)get_global_id(0);
    place z = here(tokens, heads, all, padded);
    float sum = 0.0f;
    if (token >= tokens)
        return;
    for (int d = 0; d < WIDTH; d++)
        sum += AT(y)[at_y(z, token) + d] * AT(dy)[at_y(z, token) + d];
    scratch[at_lse(z) + token] = AT(lse)[(ulong)z.head * tokens + token];
    scratch[at_delta(z) + token] = sum;
}

#if CPU_FORM
#include "attention_cpu.clh"
#else
#include "attention_gpu.clh"
#endif
