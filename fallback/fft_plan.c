/* SPDX-License-Identifier: MIT */
/* fft_plan.c: chooses radices and fills in the tables of a length. */
#include <math.h>

#include "fft.h"

/* A sequence of radices, largest first. */
typedef struct factors {
    int count, sum;
    int radix[MAX_STAGES];
} factors;

/* Splits n (primes <= 7 only) into radices of at most `most`: fewest passes over the line, then the
 * most even split, since one radix 8 and one radix 2 cost more than two radices 4. */
static int split_small(int64_t n, int most, factors *ret) {
    if (n == 1) {
        *ret = (factors){0};
        return 1;
    }
    factors best = {.count = MAX_STAGES + 1};
    for (int r = most; r >= 2; r--) {
        factors rest;
        if (n % r || !split_small(n / r, r, &rest) || rest.count == MAX_STAGES)
            continue;
        if (rest.count + 1 > best.count ||
            (rest.count + 1 == best.count && rest.sum + r >= best.sum))
            continue;
        best = (factors){.count = rest.count + 1, .sum = rest.sum + r, .radix = {r}};
        memcpy(best.radix + 1, rest.radix, (size_t)rest.count * sizeof *rest.radix);
    }
    *ret = best;
    return best.count <= MAX_STAGES;
}

/* What is left of n without its primes up to 7. */
static int64_t without_small(int64_t n) {
    for (int p = 2; p <= 7; p++)
        while (n % p == 0)
            n /= p;
    return n;
}

/* 0 if n has a prime beyond LARGEST_PRIME, which is Bluestein's case. */
static int split(int64_t n, factors *ret) {
    factors small, all = {0};
    int64_t large = without_small(n);
    if (!split_small(n / large, 8, &small))
        return 0;
    for (int p = 11; p <= LARGEST_PRIME; p += 2)
        for (; large % p == 0; large /= p)
            all.radix[all.count++] = p;
    memcpy(all.radix + all.count, small.radix, (size_t)small.count * sizeof *small.radix);
    all.count += small.count;
    if (n == 1)
        all = (factors){.count = 1, .radix = {1}};
    *ret = all;
    return large == 1;
}

/* The cheapest length of a convolution: the next one that has primes <= 7 only. */
static int64_t padded_length(int64_t n) {
    int64_t m = 2 * n - 1;
    while (without_small(m) != 1)
        m++;
    return m;
}

/* Memory handed out piece by piece; with base NULL it only counts. */
typedef struct carver {
    char *base;
    size_t used;
} carver;

static void *carve(carver *c, size_t bytes) {
    void *p = c->base ? c->base + c->used : NULL;
    c->used += (bytes + 63) / 64 * 64;
    return p;
}

/* exp(-2 pi i k/n) */
static void put_root(float *w, int64_t k, int64_t n) {
    double angle = 2 * 3.14159265358979323846 * (double)(k % n) / (double)n;
    w[0] = (float)cos(angle);
    w[1] = (float)-sin(angle);
}

static void build_stages(fft_plan *plan, const factors *f, carver *memory) {
    int64_t m = plan->n;
    plan->stages = f->count;
    for (int s = 0; s < f->count; s++) {
        int r = f->radix[s];
        m /= r;
        float *w = carve(memory, (size_t)(2 * m * r) * sizeof *w);
        float *circle = r > 8 ? carve(memory, (size_t)(2 * r) * sizeof *circle) : NULL;
        plan->radix[s] = r;
        plan->apart[s] = m;
        plan->blocks[s] = plan->n / (m * r);
        plan->twiddle[s] = w;
        plan->circle[s] = circle;
        if (!memory->base)
            continue;
        for (int64_t j = 1; j < m; j++)
            for (int q = 1; q < r; q++, w += 2)
                put_root(w, j * q, m * r);
        for (int i = 0; i < r && circle; i++) {
            put_root(circle + 2 * i, i, r);
            circle[2 * i + 1] = -circle[2 * i + 1];
        }
    }
}

/* The frequency at a place is the place with its digits (base radix) in reverse. */
static void build_order(fft_plan *plan, carver *memory) {
    int64_t n = plan->n;
    int32_t *frequency = carve(memory, (size_t)n * sizeof *frequency);
    int32_t *place = carve(memory, (size_t)n * sizeof *place);
    int32_t *mirror = carve(memory, (size_t)n * sizeof *mirror);
    plan->frequency = frequency;
    plan->place = place;
    plan->mirror = mirror;
    if (!memory->base)
        return;
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, block = n, weight = 1, k = 0;
        for (int s = 0; s < plan->stages; s++) {
            block /= plan->radix[s];
            k += rest / block * weight;
            rest %= block;
            weight *= plan->radix[s];
        }
        frequency[i] = (int32_t)(plan->stages ? k : i);
        place[frequency[i]] = (int32_t)i;
    }
    for (int64_t i = 0; i < n; i++)
        mirror[i] = place[(n - frequency[i]) % n];
}

/* The chirp and the transform of its conjugate, made with the plan's own transform. */
static void build_chirp(fft_plan *plan, carver *memory) {
    int64_t n = plan->n, m = padded_length(n);
    float *chirp = carve(memory, (size_t)(2 * n) * sizeof *chirp);
    float *response = carve(memory, (size_t)(2 * m) * sizeof *response);
    float *line = carve(memory, (size_t)(m * COMPLEX) * sizeof *line);
    plan->chirp = chirp;
    plan->response = response;
    if (!memory->base)
        return;
    for (int64_t j = 0; j < n; j++)
        put_root(chirp + 2 * j, j * j % (2 * n), 2 * n);
    for (int64_t j = 0; j < m; j++) {
        int64_t i = j < n ? j : m - j; /* conj(c_j) is even in j */
        vec_store(line + j * COMPLEX, vec_set(i < n ? chirp[2 * i] / (float)m : 0));
        vec_store(line + j * COMPLEX + LANES, vec_set(i < n ? -chirp[2 * i + 1] / (float)m : 0));
    }
    const fft_lines one = {1, {COMPLEX, 0}, {COMPLEX, 0}, 0};
    FALLBACK(fft_forward)(plan->padded, &one, line, line, NULL);
    for (int64_t j = 0; j < m; j++) {
        response[2 * j] = line[j * COMPLEX];
        response[2 * j + 1] = line[j * COMPLEX + LANES];
    }
}

static void build(fft_plan *plan, int64_t n, carver *memory) {
    factors f;
    *plan = (fft_plan){.n = n};
    if (split(n, &f)) {
        build_stages(plan, &f, memory);
    } else {
        fft_plan counted, *padded = carve(memory, sizeof *padded);
        build(memory->base ? padded : &counted, padded_length(n), memory);
        plan->padded = padded;
        build_chirp(plan, memory);
    }
    build_order(plan, memory);
}

size_t FALLBACK(fft_plan_bytes)(int64_t n) {
    fft_plan counted;
    carver counter = {.used = sizeof counted};
    build(&counted, n, &counter);
    return counter.used + 64;
}

const fft_plan *FALLBACK(fft_plan_build)(int64_t n, void *memory) {
    carver c = {.base = memory};
    fft_plan *plan = carve(&c, sizeof *plan);
    build(plan, n, &c);
    return plan;
}

int64_t FALLBACK(fft_work_floats)(int64_t n) {
    factors f;
    return split(n, &f) ? 0 : padded_length(n) * COMPLEX;
}
