/* SPDX-License-Identifier: MIT */
/* attention.cl: y = softmax(q k^T / sqrt(WIDTH)) v for each head, without the matrix of scores.
 *
 * qkv is [batch, tokens, 3, heads, WIDTH], y [batch, tokens, heads, WIDTH], lse [batch, heads,
 * tokens]. Build options: WIDTH, and KEYS, the tokens of a local tile. "Head" below counts heads
 * of all images. */

typedef struct {
    int tokens, heads;
    ulong row; /* from token to token in y; three times that in qkv */
    float scale;
} sizes;

static inline sizes sizes_of(int tokens, int heads)
{
    sizes z = {tokens, heads, (ulong)heads * WIDTH, 1.0f / sqrt((float)WIDTH)};
    return z;
}

/* Where row `token` of a head begins in y, and that of q (part 0), k (1), v (2) in qkv. */
static inline ulong at_y(sizes z, int head, int token)
{
    return ((ulong)(head / z.heads) * z.tokens + token) * z.row + (ulong)(head % z.heads) * WIDTH;
}

static inline ulong at_qkv(sizes z, int head, int token, int part)
{
    return ((ulong)(head / z.heads) * z.tokens + token) * 3 * z.row + part * z.row +
           (ulong)(head % z.heads) * WIDTH;
}

/* scratch [2, heads of all images, padded]: lse again, and delta = y . dy. */
__kernel void attention_delta(UNUSED(qkv), READ(y), READ(lse), UNUSED(dqkv), READ(dy),
                              uint accumulate, __global float *scratch, int tokens, int heads,
                              int all, int padded)
{
    int token = (int)get_global_id(0), head = (int)get_global_id(1);
    if (token >= tokens)
        return;
    ulong from = at_y(sizes_of(tokens, heads), head, token), to = (ulong)head * padded + token;
    float sum = 0.0f;
    for (int d = 0; d < WIDTH; d++)
        sum += AT(y)[from + d] * AT(dy)[from + d];
    scratch[to] = AT(lse)[(ulong)head * tokens + token];
    scratch[(ulong)all * padded + to] = sum;
}

#if CPU_FORM

/* An item takes ROWS tokens of one side and walks over those of the other in chunks of CHUNK
 * vectors. What it reads with vectors was packed into scratch, zero-padded: matrices
 * "by width" [DEPTH, padded] and "by token" [padded, DEPTH] for each head. */
#define ROWS 4
#define CHUNK 8
#define VECTORS ((WIDTH + 15) / 16)
#define DEPTH (VECTORS * 16)

static inline __global float *packed(__global float *base, int slot, int all, int padded, int head)
{
    return base + ((ulong)slot * all + head) * DEPTH * padded;
}

/* One row into the two packed forms; either may be NULL. */
static inline void pack_row(__global const float *from, __global float *by_width,
                            __global float *by_token, int token, int padded)
{
    for (int d = 0; d < DEPTH; d++) {
        float v = from && d < WIDTH ? from[d] : 0.0f;
        if (by_width)
            by_width[(ulong)d * padded + token] = v;
        if (by_token)
            by_token[(ulong)token * DEPTH + d] = v;
    }
}

/* scratch: 0 k by width, 1 v by token. */
__kernel void attention_pack(READ(qkv), UNUSED(y), UNUSED(lse), __global float *scratch, int tokens,
                             int heads, int all, int padded)
{
    int token = (int)get_global_id(0), head = (int)get_global_id(1);
    sizes z = sizes_of(tokens, heads);
    __global const float *k = AT(qkv) + at_qkv(z, head, token, 1), *v = k + z.row;
    int there = token < tokens;
    pack_row(there ? k : 0, packed(scratch, 0, all, padded, head), 0, token, padded);
    pack_row(there ? v : 0, 0, packed(scratch, 1, all, padded, head), token, padded);
}

/* scratch behind lse and delta: 0 k, 1 v, 2 q, 3 dy by width; 4 k, 5 q, 6 dy by token. */
__kernel void attention_pack_gradient(READ(qkv), UNUSED(y), UNUSED(lse), UNUSED(dqkv), READ(dy),
                                      uint accumulate, __global float *scratch, int tokens,
                                      int heads, int all, int padded)
{
    int token = (int)get_global_id(0), head = (int)get_global_id(1), there = token < tokens;
    sizes z = sizes_of(tokens, heads);
    __global float *base = scratch + (ulong)2 * all * padded;
    __global const float *q = AT(qkv) + at_qkv(z, head, token, 0), *k = q + z.row, *v = k + z.row;
    __global const float *g = AT(dy) + at_y(z, head, token);
    pack_row(there ? k : 0, packed(base, 0, all, padded, head), packed(base, 4, all, padded, head),
             token, padded);
    pack_row(there ? v : 0, packed(base, 1, all, padded, head), 0, token, padded);
    pack_row(there ? q : 0, packed(base, 2, all, padded, head), packed(base, 5, all, padded, head),
             token, padded);
    pack_row(there ? g : 0, packed(base, 3, all, padded, head), packed(base, 6, all, padded, head),
             token, padded);
}

typedef float16 chunk[ROWS][CHUNK];
typedef float16 sums[ROWS][VECTORS];

/* s[r][j] = row r . tokens first + 16 j .. of a matrix by width; count is a multiple of 2. */
static inline void products(chunk s, __global const float *const row[ROWS],
                            __global const float *by_width, int padded, int first, int count)
{
    for (int j = 0; j < count; j += 2) {
        float16 a[ROWS], b[ROWS];
        __global const float *from = by_width + first + 16 * j;
        for (int r = 0; r < ROWS; r++)
            a[r] = b[r] = 0.0f;
        for (int d = 0; d < WIDTH; d++, from += padded) {
            float16 left = vload16(0, from), right = vload16(1, from);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float16 v = row[r][d];
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

/* sum[r] += weights of `count` tokens from `first` on, times their rows of a matrix by token. */
static inline void weighted(sums sum, chunk weight, __global const float *by_token, int first,
                            int count)
{
    const float *w = (const float *)weight;
    __global const float *from = by_token + (ulong)first * DEPTH;
    for (int t = 0; t < count; t++, from += DEPTH)
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            float16 x = vload16(v, from);
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
    float2 c = fmax(b.lo, b.hi);
    return fmax(c.x, c.y);
}

static inline float sum_of(float16 v)
{
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    float2 c = b.lo + b.hi;
    return c.x + c.y;
}

static inline void store_row(__global float *to, const float16 *sum, int add)
{
    const float *from = (const float *)sum;
    for (int d = 0; d < WIDTH; d++)
        PUT(to[d], from[d], add);
}

__kernel void attention_forward(READ(qkv), WRITE(y), WRITE(lse), __global float *scratch,
                                int tokens, int heads, int all, int padded)
{
    int first = (int)get_global_id(0) * ROWS, head = (int)get_global_id(1);
    sizes z = sizes_of(tokens, heads);
    __global const float *k = packed(scratch, 0, all, padded, head);
    __global const float *v = packed(scratch, 1, all, padded, head);
    __global const float *row[ROWS];
    float largest[ROWS], total[ROWS];
    chunk s;
    sums sum;
    if (first >= tokens)
        return;
    for (int r = 0; r < ROWS; r++) {
        row[r] = AT(qkv) + at_qkv(z, head, min(first + r, tokens - 1), 0);
        largest[r] = -INFINITY;
        total[r] = 0.0f;
    }
    clear(sum);
    for (int k0 = 0; k0 < tokens; k0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - k0), vectors = (count + 31) / 32 * 2;
        products(s, row, k, padded, k0, vectors);
        for (int r = 0; r < ROWS; r++) {
            float *score = (float *)s[r];
            float16 high = -INFINITY, parts = 0.0f;
            for (int j = count; j < vectors * 16; j++)
                score[j] = -INFINITY;
            for (int j = 0; j < vectors; j++)
                high = fmax(high, s[r][j]);
            float next = fmax(largest[r], z.scale * largest_of(high));
            float factor = exp(largest[r] - next);
            for (int j = 0; j < vectors; j++) {
                s[r][j] = exp(z.scale * s[r][j] - next);
                parts += s[r][j];
            }
            total[r] = total[r] * factor + sum_of(parts);
            largest[r] = next;
            for (int x = 0; x < VECTORS; x++)
                sum[r][x] *= factor;
        }
        weighted(sum, s, v, k0, count);
    }
    for (int r = 0; r < ROWS && first + r < tokens; r++) {
        for (int x = 0; x < VECTORS; x++)
            sum[r][x] *= 1.0f / total[r];
        store_row(AT(y) + at_y(z, head, first + r), sum[r], 0);
        AT(lse)[(ulong)head * tokens + first + r] = largest[r] + log(total[r]);
    }
}

/* dq of ROWS queries: sum over keys of ds k, ds = scale p (dy . v - delta). */
__kernel void attention_dq(READ(qkv), UNUSED(y), READ(lse), WRITE(dqkv), READ(dy), uint accumulate,
                           __global float *scratch, int tokens, int heads, int all, int padded)
{
    int first = (int)get_global_id(0) * ROWS, head = (int)get_global_id(1);
    sizes z = sizes_of(tokens, heads);
    __global float *base = scratch + (ulong)2 * all * padded;
    __global const float *stats = scratch + (ulong)head * padded, *q[ROWS], *g[ROWS];
    chunk p, ds;
    sums dq;
    if (first >= tokens)
        return;
    for (int r = 0; r < ROWS; r++) {
        q[r] = AT(qkv) + at_qkv(z, head, min(first + r, tokens - 1), 0);
        g[r] = AT(dy) + at_y(z, head, min(first + r, tokens - 1));
    }
    clear(dq);
    for (int k0 = 0; k0 < tokens; k0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - k0), vectors = (count + 31) / 32 * 2;
        products(p, q, packed(base, 0, all, padded, head), padded, k0, vectors);
        products(ds, g, packed(base, 1, all, padded, head), padded, k0, vectors);
        for (int r = 0; r < ROWS; r++) {
            int token = min(first + r, tokens - 1);
            float lse = stats[token], delta = stats[(ulong)all * padded + token];
            for (int j = 0; j < vectors; j++)
                ds[r][j] = z.scale * exp(z.scale * p[r][j] - lse) * (ds[r][j] - delta);
        }
        weighted(dq, ds, packed(base, 4, all, padded, head), k0, count);
    }
    for (int r = 0; r < ROWS && first + r < tokens; r++)
        store_row(AT(dqkv) + at_qkv(z, head, first + r, 0), dq[r], ADDS(0));
}

/* dk and dv of ROWS keys: sums over queries of ds q and p dy. */
__kernel void attention_dkv(READ(qkv), UNUSED(y), READ(lse), WRITE(dqkv), READ(dy), uint accumulate,
                            __global float *scratch, int tokens, int heads, int all, int padded)
{
    int first = (int)get_global_id(0) * ROWS, head = (int)get_global_id(1);
    sizes z = sizes_of(tokens, heads);
    __global float *base = scratch + (ulong)2 * all * padded;
    __global const float *stats = scratch + (ulong)head * padded, *k[ROWS], *v[ROWS];
    chunk p, ds;
    sums dk, dv;
    if (first >= tokens)
        return;
    for (int r = 0; r < ROWS; r++) {
        k[r] = AT(qkv) + at_qkv(z, head, min(first + r, tokens - 1), 1);
        v[r] = k[r] + z.row;
    }
    clear(dk);
    clear(dv);
    for (int q0 = 0; q0 < tokens; q0 += CHUNK * 16) {
        int count = min(CHUNK * 16, tokens - q0), vectors = (count + 31) / 32 * 2;
        products(p, k, packed(base, 2, all, padded, head), padded, q0, vectors);
        products(ds, v, packed(base, 3, all, padded, head), padded, q0, vectors);
        for (int j = 0; j < (count + 15) / 16; j++) {
            float16 lse = vload16(j, stats + q0);
            float16 delta = vload16(j, stats + (ulong)all * padded + q0);
            for (int r = 0; r < ROWS; r++) {
                p[r][j] = exp(z.scale * p[r][j] - lse);
                ds[r][j] = z.scale * p[r][j] * (ds[r][j] - delta);
            }
        }
        weighted(dk, ds, packed(base, 5, all, padded, head), q0, count);
        weighted(dv, p, packed(base, 6, all, padded, head), q0, count);
    }
    for (int r = 0; r < ROWS && first + r < tokens; r++) {
        store_row(AT(dqkv) + at_qkv(z, head, first + r, 1), dk[r], ADDS(0));
        store_row(AT(dqkv) + at_qkv(z, head, first + r, 2), dv[r], ADDS(0));
    }
}

#else

/* An item owns one query (or key) and keeps its rows in registers; a work-group of GROUP items
 * shares tiles of KEYS tokens of the other side. */
#define GROUP 64
#define FOURS ((WIDTH + 3) / 4)

typedef float4 row4[FOURS];

static inline float4 load4(__global const float *from, int left)
{
    return left >= 4 ? vload4(0, from)
                     : (float4)(from[0], left > 1 ? from[1] : 0.0f, left > 2 ? from[2] : 0.0f, 0.0f);
}

static inline void load_row(row4 to, __global const float *from, float factor)
{
    for (int d = 0; d < FOURS; d++)
        to[d] = factor * load4(from + 4 * d, WIDTH - 4 * d);
}

static inline void store_row(__global float *to, const row4 row, float factor, int add)
{
    const float *from = (const float *)row;
    for (int d = 0; d < WIDTH; d++)
        PUT(to[d], factor * from[d], add);
}

static inline void clear(row4 row)
{
    for (int d = 0; d < FOURS; d++)
        row[d] = 0.0f;
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
static inline void load_tile(__local float4 *tile, __global const float *from, ulong step, int count)
{
    __local float *to = (__local float *)tile;
    for (int e = (int)get_local_id(0); e < KEYS * FOURS * 4; e += GROUP) {
        int t = e / (FOURS * 4), d = e % (FOURS * 4);
        to[e] = t < count && d < WIDTH ? from[t * step + d] : 0.0f;
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_forward(READ(qkv), WRITE(y), WRITE(lse), int tokens, int heads, int all, int padded)
{
    __local float4 k[KEYS * FOURS], v[KEYS * FOURS];
    int query = (int)get_global_id(0), head = (int)get_global_id(1);
    int mine = min(query, tokens - 1); /* items beyond the last query help to load */
    sizes z = sizes_of(tokens, heads);
    float largest = -INFINITY, total = 0.0f;
    row4 q, sum;
    load_row(q, AT(qkv) + at_qkv(z, head, mine, 0), z.scale);
    clear(sum);
    for (int k0 = 0; k0 < tokens; k0 += KEYS) {
        int count = min(KEYS, tokens - k0);
        load_tile(k, AT(qkv) + at_qkv(z, head, k0, 1), 3 * z.row, count);
        load_tile(v, AT(qkv) + at_qkv(z, head, k0, 2), 3 * z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t += 4) {
            float s[4], next = largest;
            for (int j = 0; j < 4; j++) {
                s[j] = t + j < count ? dot_row(q, k + (t + j) * FOURS) : -INFINITY;
                next = fmax(next, s[j]);
            }
            if (next > largest) {
                float factor = exp(largest - next);
                for (int d = 0; d < FOURS; d++)
                    sum[d] *= factor;
                total *= factor;
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
    store_row(AT(y) + at_y(z, head, query), sum, 1.0f / total, 0);
    AT(lse)[(ulong)head * tokens + query] = largest + log(total);
}

/* dq of one query: sum over keys of ds k, ds = scale p (dy . v - delta). */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_dq(READ(qkv), UNUSED(y), UNUSED(lse), WRITE(dqkv), READ(dy), uint accumulate,
             __global const float *scratch, int tokens, int heads, int all, int padded)
{
    __local float4 k[KEYS * FOURS], v[KEYS * FOURS];
    int query = (int)get_global_id(0), head = (int)get_global_id(1);
    int mine = min(query, tokens - 1);
    sizes z = sizes_of(tokens, heads);
    __global const float *stats = scratch + (ulong)head * padded;
    float lse = stats[mine], delta = stats[(ulong)all * padded + mine];
    row4 q, g, dq;
    load_row(q, AT(qkv) + at_qkv(z, head, mine, 0), z.scale);
    load_row(g, AT(dy) + at_y(z, head, mine), 1.0f);
    clear(dq);
    for (int k0 = 0; k0 < tokens; k0 += KEYS) {
        int count = min(KEYS, tokens - k0);
        load_tile(k, AT(qkv) + at_qkv(z, head, k0, 1), 3 * z.row, count);
        load_tile(v, AT(qkv) + at_qkv(z, head, k0, 2), 3 * z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t++) {
            float p = exp(dot_row(q, k + t * FOURS) - lse);
            add_row(dq, p * (dot_row(g, v + t * FOURS) - delta), k + t * FOURS);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (query < tokens)
        store_row(AT(dqkv) + at_qkv(z, head, query, 0), dq, z.scale, ADDS(0));
}

/* dk and dv of one key: sums over queries of ds q and p dy. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_dkv(READ(qkv), UNUSED(y), UNUSED(lse), WRITE(dqkv), READ(dy), uint accumulate,
              __global const float *scratch, int tokens, int heads, int all, int padded)
{
    __local float4 q[KEYS * FOURS], g[KEYS * FOURS];
    int key = (int)get_global_id(0), head = (int)get_global_id(1), mine = min(key, tokens - 1);
    sizes z = sizes_of(tokens, heads);
    __global const float *stats = scratch + (ulong)head * padded;
    row4 k, v, dk, dv;
    load_row(k, AT(qkv) + at_qkv(z, head, mine, 1), z.scale);
    load_row(v, AT(qkv) + at_qkv(z, head, mine, 2), 1.0f);
    clear(dk);
    clear(dv);
    for (int q0 = 0; q0 < tokens; q0 += KEYS) {
        int count = min(KEYS, tokens - q0);
        load_tile(q, AT(qkv) + at_qkv(z, head, q0, 0), 3 * z.row, count);
        load_tile(g, AT(dy) + at_y(z, head, q0), z.row, count);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int t = 0; t < count; t++) {
            float p = exp(dot_row(k, q + t * FOURS) - stats[q0 + t]);
            float slope = dot_row(v, g + t * FOURS) - stats[(ulong)all * padded + q0 + t];
            add_row(dv, p, g + t * FOURS);
            add_row(dk, p * slope, q + t * FOURS);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (key >= tokens)
        return;
    store_row(AT(dqkv) + at_qkv(z, head, key, 1), dk, z.scale, ADDS(0));
    store_row(AT(dqkv) + at_qkv(z, head, key, 2), dv, 1.0f, ADDS(0));
}

#endif
