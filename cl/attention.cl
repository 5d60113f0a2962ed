/* SPDX-License-Identifier: MIT */
/* attention.cl: y = softmax(q k^T / sqrt(WIDTH)) v for each head, without the matrix of scores.
 *
 * qkv is [batch, tokens, 3, heads, WIDTH], y [batch, tokens, heads, WIDTH], lse [batch, heads,
 * tokens]. Build options: WIDTH, and KEYS, the tokens of a local tile. */

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

/* An item takes ROWS tokens of one side and walks over those of the other in chunks of CHUNK
 * vectors. Scores come in vectors along the tokens, so keys (in backward passes q, k, v and dy) are
 * turned first: a panel [WIDTH, padded] in scratch for each head, zero beyond the last token. */
#define ROWS 4
#define CHUNK 8
#define VECTORS ((WIDTH + 15) / 16)

static inline __global float *panel(__global float *base, int slot, place z)
{
    return base + ((ulong)slot * z.all + z.head) * WIDTH * z.padded;
}

/* Tokens first .. first + 15, `step` apart. */
static inline void turn(__global float *to, __global const float *from, ulong step, int first,
                        place z)
{
    for (int d = 0; d < WIDTH; d++)
        for (int t = first; t < first + 16; t++)
            to[(ulong)d * z.padded + t] = t < z.tokens ? from[t * step + d] : 0.0f;
}

/* Item 0: 16 tokens. */
__kernel void attention_turn(FORWARD, __global float *scratch, SIZES)
{
    int first = (int)get_global_id(0) * 16;
    place z = here(tokens, heads, all, padded);
    turn(panel(scratch, 0, z), AT(qkv) + at_qkv(z, 0, 1), 3 * z.row, first, z);
}

/* Behind the statistics: panels of q, k, v, dy. */
__kernel void attention_turn_all(BACKWARD, __global float *scratch, SIZES)
{
    int first = (int)get_global_id(0) * 16;
    place z = here(tokens, heads, all, padded);
    __global float *base = scratch + (ulong)2 * all * padded;
    for (int part = 0; part < 3; part++)
        turn(panel(base, part, z), AT(qkv) + at_qkv(z, 0, part), 3 * z.row, first, z);
    turn(panel(base, 3, z), AT(dy) + at_y(z, 0), z.row, first, z);
}

typedef float16 chunk[ROWS][CHUNK];
typedef float16 sums[ROWS][VECTORS];

/* s[r][j] = row r . tokens first + 16 j .. of a panel; count is a multiple of 2. Row r begins at
 * rows + min(r, last) step. */
static inline void products(chunk s, __global const float *rows, ulong step, int last,
                            __global const float *turned, int padded, int count)
{
    for (int j = 0; j < count; j += 2) {
        float16 a[ROWS], b[ROWS];
        __global const float *from = turned + 16 * j;
        for (int r = 0; r < ROWS; r++)
            a[r] = b[r] = 0.0f;
        for (int d = 0; d < WIDTH; d++, from += padded) {
            float16 left = vload16(0, from), right = vload16(1, from);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float16 v = rows[min(r, last) * step + d];
                a[r] = fma(v, left, a[r]);
                b[r] = fma(v, right, b[r]);
            }
        }
        for (int r = 0; r < ROWS; r++) {
            s[r][j] = a[r];
            s[r][j + 1] = b[r];
        }
    }
}

/* Numbers 16 v .. of a row, zero beyond its end. */
static inline float16 load_row(__global const float *row, int v)
{
    if (16 * v + 16 <= WIDTH)
        return vload16(v, row);
    float part[16];
    for (int d = 0; d < 16; d++)
        part[d] = 16 * v + d < WIDTH ? row[16 * v + d] : 0.0f;
    return vload16(0, part);
}

/* sum[r] += weights of `count` tokens times their rows, `step` apart. */
static inline void weighted(sums sum, chunk weight, __global const float *rows, ulong step,
                            int count)
{
    const float *w = (const float *)weight;
    for (int t = 0; t < count; t++)
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            float16 x = load_row(rows + t * step, v);
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                sum[r][v] = fma((float16)(w[r * CHUNK * 16 + t]), x, sum[r][v]);
        }
}

static inline void clear(sums sum)
{
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++)
            sum[r][v] = 0.0f;
}

static inline float largest_of(float16 v)
{
    float8 a = fmax(v.lo, v.hi);
    float4 b = fmax(a.lo, a.hi);
    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

static inline float sum_of(float16 v)
{
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    return (b.x + b.y) + (b.z + b.w);
}

static inline void store_row(__global float *to, const float16 *sum, float factor, int add)
{
    const float *from = (const float *)sum;
    for (int d = 0; d < WIDTH; d++)
        PUT(to[d], factor * from[d], add);
}

/* Scores of one query -> weights; *largest and *total go on, the answer is the factor for what was
 * summed up before. */
static inline float weigh(float16 *s, int count, int vectors, float scale, float *largest,
                          float *total)
{
    float16 high = -INFINITY, parts = 0.0f;
    for (int j = count; j < vectors * 16; j++)
        ((float *)s)[j] = -INFINITY;
    for (int j = 0; j < vectors; j++)
        high = fmax(high, s[j]);
    float next = fmax(*largest, scale * largest_of(high)), factor = exp(*largest - next);
    for (int j = 0; j < vectors; j++) {
        s[j] = exp(scale * s[j] - next);
        parts += s[j];
    }
    *total = *total * factor + sum_of(parts);
    *largest = next;
    return factor;
}

__kernel void attention_forward(FORWARD, __global float *scratch, SIZES)
{
    int first = (int)get_global_id(0) * ROWS, last = tokens - 1 - first;
    place z = here(tokens, heads, all, padded);
    float largest[ROWS], total[ROWS];
    chunk s;
    sums sum;
    if (last < 0)
        return;
    for (int r = 0; r < ROWS; r++) {
        largest[r] = -INFINITY;
        total[r] = 0.0f;
    }
    clear(sum);
    for (int k0 = 0; k0 < tokens; k0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - k0), vectors = (count + 31) / 32 * 2;
        products(s, AT(qkv) + at_qkv(z, first, 0), 3 * z.row, last, panel(scratch, 0, z) + k0,
                 padded, vectors);
        for (int r = 0; r < ROWS; r++) {
            float factor = weigh(s[r], count, vectors, z.scale, &largest[r], &total[r]);
            for (int x = 0; x < VECTORS; x++)
                sum[r][x] *= factor;
        }
        weighted(sum, s, AT(qkv) + at_qkv(z, k0, 2), 3 * z.row, count);
    }
    for (int r = 0; r < ROWS && r <= last; r++) {
        store_row(AT(y) + at_y(z, first + r), sum[r], 1.0f / total[r], 0);
        AT(lse)[(ulong)z.head * tokens + first + r] = largest[r] + log(total[r]);
    }
}

/* dq of ROWS queries: sum over keys of ds k, ds = scale p (dy . v - delta). */
__kernel void attention_dq(BACKWARD, __global float *scratch, SIZES)
{
    int first = (int)get_global_id(0) * ROWS, last = tokens - 1 - first;
    place z = here(tokens, heads, all, padded);
    __global float *base = scratch + (ulong)2 * all * padded;
    chunk p, ds;
    sums dq;
    if (last < 0)
        return;
    clear(dq);
    for (int k0 = 0; k0 < tokens; k0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - k0), vectors = (count + 31) / 32 * 2;
        products(p, AT(qkv) + at_qkv(z, first, 0), 3 * z.row, last, panel(base, 1, z) + k0, padded,
                 vectors);
        products(ds, AT(dy) + at_y(z, first), z.row, last, panel(base, 2, z) + k0, padded, vectors);
        for (int r = 0; r < ROWS; r++) {
            float lse = scratch[at_lse(z) + first + min(r, last)];
            float delta = scratch[at_delta(z) + first + min(r, last)];
            for (int j = 0; j < vectors; j++)
                ds[r][j] = exp(z.scale * p[r][j] - lse) * (ds[r][j] - delta);
        }
        weighted(dq, ds, AT(qkv) + at_qkv(z, k0, 1), 3 * z.row, count);
    }
    for (int r = 0; r < ROWS && r <= last; r++)
        store_row(AT(dqkv) + at_qkv(z, first + r, 0), dq[r], z.scale, ADDS(0));
}

/* dk and dv of ROWS keys: sums over queries of ds q and p dy. */
__kernel void attention_dkv(BACKWARD, __global float *scratch, SIZES)
{
    int first = (int)get_global_id(0) * ROWS, last = tokens - 1 - first;
    place z = here(tokens, heads, all, padded);
    __global float *base = scratch + (ulong)2 * all * padded;
    chunk p, ds;
    sums dk, dv;
    if (last < 0)
        return;
    clear(dk);
    clear(dv);
    for (int q0 = 0; q0 < tokens; q0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - q0), vectors = (count + 31) / 32 * 2;
        __global const float *key = AT(qkv) + at_qkv(z, first, 1);
        products(p, key, 3 * z.row, last, panel(base, 0, z) + q0, padded, vectors);
        products(ds, key + z.row, 3 * z.row, last, panel(base, 3, z) + q0, padded, vectors);
        for (int j = 0; j < (count + 15) / 16; j++) {
            float16 lse = vload16(j, scratch + at_lse(z) + q0);
            float16 delta = vload16(j, scratch + at_delta(z) + q0);
            for (int r = 0; r < ROWS; r++) {
                p[r][j] = exp(z.scale * p[r][j] - lse);
                ds[r][j] = p[r][j] * (ds[r][j] - delta);
            }
        }
        weighted(dk, ds, AT(qkv) + at_qkv(z, q0, 0), 3 * z.row, count);
        weighted(dv, p, AT(dy) + at_y(z, q0), z.row, count);
    }
    for (int r = 0; r < ROWS && r <= last; r++) {
        store_row(AT(dqkv) + at_qkv(z, first + r, 1), dk[r], z.scale, ADDS(0));
        store_row(AT(dqkv) + at_qkv(z, first + r, 2), dv[r], 1.0f, ADDS(0));
    }
}

#else

/* An item owns one query (or key) and keeps its rows in registers; a work-group of GROUP items
 * shares tiles of KEYS tokens of the other side. Items beyond the last token help to load. */
#define GROUP 64
#define GROUPED __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define FOURS ((WIDTH + 3) / 4)

typedef float4 row4[FOURS];

static inline void load_row(row4 to, __global const float *from, float factor)
{
    float *number = (float *)to;
    for (int d = 0; d < FOURS * 4; d++)
        number[d] = d < WIDTH ? factor * from[d] : 0.0f;
}

static inline void store_row(__global float *to, const row4 row, float factor, int add)
{
    const float *from = (const float *)row;
    for (int d = 0; d < WIDTH; d++)
        PUT(to[d], factor * from[d], add);
}

static inline void scale_row(row4 row, float factor)
{
    for (int d = 0; d < FOURS; d++)
        row[d] = factor == 0.0f ? (float4)(0.0f) : factor * row[d];
}

static inline float dot_row(const row4 a, __local const float4 *b)
{
    float4 sum = 0.0f;
    for (int d = 0; d < FOURS; d++)
        sum = fma(a[d], b[d], sum);
    return (sum.x + sum.y) + (sum.z + sum.w);
}

static inline void add_row(row4 to, float weight, __local const float4 *row)
{
    for (int d = 0; d < FOURS; d++)
        to[d] = fma((float4)(weight), row[d], to[d]);
}

/* KEYS rows, `step` apart; those from `count` on are zero. */
static inline void load_tile(__local float4 *tile, __global const float *from, ulong step,
                             int count)
{
    __local float *to = (__local float *)tile;
    for (int e = (int)get_local_id(0); e < KEYS * FOURS * 4; e += GROUP) {
        int t = e / (FOURS * 4), d = e % (FOURS * 4);
        to[e] = t < count && d < WIDTH ? from[t * step + d] : 0.0f;
    }
}

__kernel GROUPED void attention_forward(FORWARD, SIZES)
{
    __local float4 k[KEYS * FOURS], v[KEYS * FOURS];
    int query = (int)get_global_id(0), mine = min(query, tokens - 1);
    place z = here(tokens, heads, all, padded);
    float largest = -INFINITY, total = 0.0f;
    row4 q, sum;
    load_row(q, AT(qkv) + at_qkv(z, mine, 0), z.scale);
    scale_row(sum, 0.0f);
    for (int k0 = 0; k0 < tokens; k0 += KEYS) {
        int count = min(KEYS, tokens - k0);
        load_tile(k, AT(qkv) + at_qkv(z, k0, 1), 3 * z.row, count);
        load_tile(v, AT(qkv) + at_qkv(z, k0, 2), 3 * z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t += 4) { /* four keys share one look at the maximum */
            float s[4], next = largest;
            for (int j = 0; j < 4; j++) {
                s[j] = t + j < count ? dot_row(q, k + (t + j) * FOURS) : -INFINITY;
                next = fmax(next, s[j]);
            }
            if (next > largest) {
                scale_row(sum, exp(largest - next));
                total *= exp(largest - next);
                largest = next;
            }
            for (int j = 0; j < 4 && t + j < count; j++) {
                float p = exp(s[j] - largest);
                total += p;
                add_row(sum, p, v + (t + j) * FOURS);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (query >= tokens)
        return;
    store_row(AT(y) + at_y(z, query), sum, 1.0f / total, 0);
    AT(lse)[(ulong)z.head * tokens + query] = largest + log(total);
}

/* dq of one query: sum over keys of ds k, ds = scale p (dy . v - delta). */
__kernel GROUPED void attention_dq(BACKWARD, __global const float *scratch, SIZES)
{
    __local float4 k[KEYS * FOURS], v[KEYS * FOURS];
    int query = (int)get_global_id(0), mine = min(query, tokens - 1);
    place z = here(tokens, heads, all, padded);
    float lse = scratch[at_lse(z) + mine], delta = scratch[at_delta(z) + mine];
    row4 q, g, dq;
    load_row(q, AT(qkv) + at_qkv(z, mine, 0), z.scale);
    load_row(g, AT(dy) + at_y(z, mine), 1.0f);
    scale_row(dq, 0.0f);
    for (int k0 = 0; k0 < tokens; k0 += KEYS) {
        int count = min(KEYS, tokens - k0);
        load_tile(k, AT(qkv) + at_qkv(z, k0, 1), 3 * z.row, count);
        load_tile(v, AT(qkv) + at_qkv(z, k0, 2), 3 * z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t++) {
            float p = exp(dot_row(q, k + t * FOURS) - lse);
            add_row(dq, p * (dot_row(g, v + t * FOURS) - delta), k + t * FOURS);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (query < tokens)
        store_row(AT(dqkv) + at_qkv(z, query, 0), dq, z.scale, ADDS(0));
}

/* dk and dv of one key: sums over queries of ds q and p dy. */
__kernel GROUPED void attention_dkv(BACKWARD, __global const float *scratch, SIZES)
{
    __local float4 q[KEYS * FOURS], g[KEYS * FOURS];
    int key = (int)get_global_id(0), mine = min(key, tokens - 1);
    place z = here(tokens, heads, all, padded);
    row4 k, v, dk, dv;
    load_row(k, AT(qkv) + at_qkv(z, mine, 1), z.scale);
    load_row(v, AT(qkv) + at_qkv(z, mine, 2), 1.0f);
    scale_row(dk, 0.0f);
    scale_row(dv, 0.0f);
    for (int q0 = 0; q0 < tokens; q0 += KEYS) {
        int count = min(KEYS, tokens - q0);
        load_tile(q, AT(qkv) + at_qkv(z, q0, 0), 3 * z.row, count);
        load_tile(g, AT(dy) + at_y(z, q0), z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t++) {
            float p = exp(dot_row(k, q + t * FOURS) - scratch[at_lse(z) + q0 + t]);
            float slope = dot_row(v, g + t * FOURS) - scratch[at_delta(z) + q0 + t];
            add_row(dv, p, g + t * FOURS);
            add_row(dk, p * slope, q + t * FOURS);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (key >= tokens)
        return;
    store_row(AT(dqkv) + at_qkv(z, key, 1), dk, z.scale, ADDS(0));
    store_row(AT(dqkv) + at_qkv(z, key, 2), dv, 1.0f, ADDS(0));
}

#endif
