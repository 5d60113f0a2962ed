/* SPDX-License-Identifier: MIT */
/* landscape.cl: functions of the rows of x, with their least value 0 at x = 0; fallback/landscape.c
 * has the formulas. One row a work-group, of one work-item on CPUs. */

#define SQUARE 0
#define LOG 1
#define RATIO 2
#define ACKLEY 3
#define RASTRIGIN 4
#define GRIEWANK 5
#define LEVY 6
#define ALPINE1 7
#define STYBLINSKI_TANG 8
#define SCHWEFEL 9

#define TANG -2.903534027771177f
#define EDGE 500.0f
#define E 2.718281828459045f

/* Schwefel's place of least value is not a float: the rest is added last. */
#define PLACE 420.96875f
#define PLACE_REST -3.640018e-6f
#define LEAST 418.98288727243378f

/* What element j of a row adds to the two sums (x, y), and the derivatives of that (z, w). */
static inline float4 schwefel_term(float z) {
    float v = (z + PLACE_REST) + PLACE;
    float inside = clamp(v, -EDGE, EDGE), beyond = v - inside, root = sqrt(fabs(inside));
    float sine = sin(root), slope = -(sine + 0.5f * root * cos(root));
    return (float4)((LEAST - inside * sine) + beyond * (slope + beyond), 0.0f,
                    slope + 2.0f * beyond, 0.0f);
}

static inline float4 levy_term(float z, int j, int d) {
    float w = 0.25f * z, p = 0.0f, slope = 0.0f;
    if (j == 0) {
        float s = sinpi(w);
        p += s * s;
        slope += 0.25f * M_PI_F * sinpi(2.0f * w);
    }
    if (j + 1 < d) {
        /* sin(pi (1 + w) + 1) */
        float s = -sinpi(w + M_1_PI_F);
        p += w * w * (1.0f + 10.0f * s * s);
        slope += 0.5f * w * (1.0f + 10.0f * s * s) +
                 w * w * 2.5f * M_PI_F * sinpi(2.0f * (w + M_1_PI_F));
    } else {
        float s = sinpi(2.0f * w);
        p += w * w * (1.0f + s * s);
        slope += 0.5f * w * (1.0f + s * s) + w * w * 0.5f * M_PI_F * sinpi(4.0f * w);
    }
    return (float4)(p, 0.0f, slope, 0.0f);
}

static inline float4 term_of(int f, float z, int j, int d, float width) {
    float square = z * z, s = sinpi(z), v = width * width;
    switch (f) {
    case SQUARE:
        return (float4)(square, 0.0f, 2.0f * z, 0.0f);
    case LOG:
        return (float4)(log1p(square / v), 0.0f, 2.0f * z / (v + square), 0.0f);
    case RATIO:
        return (float4)(square / (square + v), 0.0f,
                        2.0f * (z / (square + v)) * (v / (square + v)), 0.0f);
    case ACKLEY:
        return (float4)(square, 2.0f * s * s, 2.0f * z, 2.0f * M_PI_F * sinpi(2.0f * z));
    case RASTRIGIN:
        return (float4)(square + 20.0f * s * s, 0.0f,
                        2.0f * z + 20.0f * M_PI_F * sinpi(2.0f * z), 0.0f);
    case GRIEWANK:
        v = 1.0f / sqrt((float)(j + 1));
        return (float4)(square, cos(v * z), 2.0f * z, -v * sin(v * z));
    case LEVY:
        return levy_term(z, j, d);
    case ALPINE1:
        v = z * (sin(z) + 0.1f);
        s = sin(z) + 0.1f + z * cos(z);
        return (float4)(fabs(v), 0.0f, v < 0.0f ? -s : s, 0.0f);
    case STYBLINSKI_TANG:
        return (float4)(square * (3.0f * TANG * TANG - 8.0f + 2.0f * TANG * z + 0.5f * square),
                        0.0f,
                        z * (6.0f * TANG * TANG - 16.0f + 6.0f * TANG * z + 2.0f * square), 0.0f);
    default:
        return schwefel_term(z);
    }
}

/* The value of a row from its two sums (x), and its derivatives by them (y, z). */
static inline float3 combine_sums(int f, int d, float weight, float a, float b) {
    if (f == ACKLEY) {
        float root = sqrt(a / (float)d), rest = -expm1(-b / (float)d);
        return weight * (float3)(-20.0f * expm1(-0.2f * root) + E * rest,
                                 root > 0.0f ? 2.0f * exp(-0.2f * root) / ((float)d * root) : 0.0f,
                                 E * (1.0f - rest) / (float)d);
    }
    if (f == GRIEWANK)
        return weight * (float3)(a / 4000.0f + (1.0f - b), 1.0f / 4000.0f, -b);
    return weight * (float3)(a, 1.0f, 0.0f);
}

__kernel void landscape_forward(READ(x), WRITE(value), WRITE(stats), int d, int f, float weight,
                                float width) {
    __local float2 shared[64];
    int row = (int)get_group_id(0), i = (int)get_local_id(0), step = (int)get_local_size(0);
    __global const float *x = AT(x) + (ulong)row * d;
    float a = 0.0f, lost = 0.0f, b = f == GRIEWANK ? 1.0f : 0.0f;
    for (int j = i; j < d; j += step) {
        float4 t = term_of(f, x[j], j, d, width);
        float y = t.x - lost, next = a + y; /* Kahan */
        lost = (next - a) - y;
        a = next;
        b = f == GRIEWANK ? b * t.y : b + t.y;
    }
    shared[i] = (float2)(a, b);
    for (int rest = step / 2; rest > 0; rest /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < rest) {
            float2 mine = shared[i], other = shared[i + rest];
            shared[i] = (float2)(mine.x + other.x, f == GRIEWANK ? mine.y * other.y
                                                                : mine.y + other.y);
        }
    }
    if (i == 0) {
        AT(value)[row] = combine_sums(f, d, weight, shared[0].x, shared[0].y).x;
        AT(stats)[2 * (ulong)row] = shared[0].x;
        AT(stats)[2 * (ulong)row + 1] = shared[0].y;
    }
}

__kernel void landscape_backward(READ(x), UNUSED(value), READ(stats), WRITE(dx), READ(dvalue),
                                 uint accumulate, int d, int f, float weight, float width) {
    int row = (int)get_group_id(0), i = (int)get_local_id(0), step = (int)get_local_size(0);
    __global const float *x = AT(x) + (ulong)row * d;
    __global float *dx = AT(dx) + (ulong)row * d;
    float3 slope = AT(dvalue)[row] * combine_sums(f, d, weight, AT(stats)[2 * (ulong)row],
                                                  AT(stats)[2 * (ulong)row + 1]);
    for (int j = i; j < d; j += step) {
        float4 t = term_of(f, x[j], j, d, width);
        float q = f == GRIEWANK ? t.w / t.y : t.w;
        PUT(dx[j], slope.y * t.z + slope.z * q, ADDS(0));
    }
}
