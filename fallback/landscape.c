/* SPDX-License-Identifier: MIT */
/* landscape.c: functions of the rows of x that optimisers are tried on, all with their least value
 * 0 at x = 0. A row's value is made of two sums (for Griewank the second is a product), so that its
 * gradient is one more pass. Inside everything is double: near the optimum these functions are
 * small differences of large terms, and a value of 1e-6 has to mean something. */
#include "landscape.h"

#include <math.h>

#include "elementwise.h"
#include "fallback.h"

/* Where the terms of Styblinski-Tang and Schwefel have their least value, and Schwefel's there. */
static const double TANG = -2.903534027771177, SCHWEFEL = 420.968746359982,
                    SCHWEFEL_LEAST = 418.98288727243378, SCHWEFEL_EDGE = 500, E = 2.718281828459045,
                    PI = 3.141592653589793;

/* What element j of a row adds to the two sums, and the derivatives of that. */
struct term {
    double p, q, dp, dq;
};

struct landscape {
    const pdessm_landscape_job *job;
    const float *x, *dvalue, *stats_in;
    float *value, *stats, *dx;
    int add;
};

/* Schwefel's term at v. Beyond the edge, where deeper valleys would follow, it continues as a
 * parabola with the slope of the edge. */
static struct term schwefel(double v) {
    double inside = fmin(fmax(v, -SCHWEFEL_EDGE), SCHWEFEL_EDGE), beyond = v - inside;
    double root = sqrt(fabs(inside)), sine = sin(root);
    double slope = -(sine + 0.5 * root * cos(root));
    return (struct term){.p = SCHWEFEL_LEAST - inside * sine + beyond * (slope + beyond),
                         .dp = slope + 2 * beyond};
}

static struct term levy(double z, int64_t j, int64_t d) {
    double w = z / 4, first = sin(PI * (1 + w)), inner = sin(PI * (1 + w) + 1);
    struct term t = {0};
    if (j == 0) {
        t.p += first * first;
        t.dp += PI / 4 * sin(2 * PI * (1 + w));
    }
    if (j + 1 < d) {
        t.p += w * w * (1 + 10 * inner * inner);
        t.dp +=
            w / 2 * (1 + 10 * inner * inner) + w * w * 10 * PI / 4 * sin(2 * (PI * (1 + w) + 1));
    } else {
        double last = sin(2 * PI * w);
        t.p += w * w * (1 + last * last);
        t.dp += w / 2 * (1 + last * last) + w * w * PI / 2 * sin(4 * PI * w);
    }
    return t;
}

static inline struct term term_of(int f, double z, int64_t j, int64_t d, double width) {
    double square = z * z, sine;
    switch (f) {
    case SHAPE_SQUARE:
        return (struct term){.p = square, .dp = 2 * z};
    case SHAPE_LOG:
        square /= width * width;
        return (struct term){.p = log1p(square), .dp = 2 * z / (width * width * (1 + square))};
    case SHAPE_RATIO:
        width *= width;
        return (struct term){.p = square / (square + width),
                             .dp = 2 * z * width / ((square + width) * (square + width))};
    case SHAPE_ACKLEY:
        sine = sin(PI * z);
        return (struct term){square, 2 * sine * sine, 2 * z, 2 * PI * sin(2 * PI * z)};
    case SHAPE_RASTRIGIN:
        sine = sin(PI * z);
        return (struct term){.p = square + 20 * sine * sine,
                             .dp = 2 * z + 20 * PI * sin(2 * PI * z)};
    case SHAPE_GRIEWANK: {
        double rate = 1 / sqrt((double)(j + 1));
        return (struct term){square, cos(rate * z), 2 * z, -rate * sin(rate * z)};
    }
    case SHAPE_LEVY:
        return levy(z, j, d);
    case SHAPE_ALPINE1: {
        double v = z * (sin(z) + 0.1), slope = sin(z) + 0.1 + z * cos(z);
        return (struct term){.p = fabs(v), .dp = v < 0 ? -slope : slope};
    }
    case SHAPE_STYBLINSKI_TANG: /* its Taylor series at TANG, which ends with z^4 */
        return (struct term){.p = square * (3 * TANG * TANG - 8 + 2 * TANG * z + square / 2),
                             .dp = z * (6 * TANG * TANG - 16 + 6 * TANG * z + 2 * square)};
    case SHAPE_SCHWEFEL:
        return schwefel(z + SCHWEFEL);
    default:
        return (struct term){0};
    }
}

/* The value of a row from its two sums, and its derivatives by them. */
static double combine(const pdessm_landscape_job *g, double a, double b, double ret_slope[2]) {
    double d = (double)g->columns, root, bumps;
    ret_slope[0] = g->weight;
    ret_slope[1] = 0;
    switch (g->function) {
    case SHAPE_ACKLEY:
        root = sqrt(a / d);
        bumps = E * exp(-b / d);
        /* The cone has no gradient at its tip; 0 is as good as any. */
        ret_slope[0] = root > 0 ? g->weight * 2 * exp(-0.2 * root) / (d * root) : 0;
        ret_slope[1] = g->weight * bumps / d;
        return g->weight * (-20 * expm1(-0.2 * root) - E * expm1(-b / d));
    case SHAPE_GRIEWANK:
        ret_slope[0] = g->weight / 4000;
        ret_slope[1] = -g->weight * b;
        return g->weight * (a / 4000 + (1 - b));
    default:
        return g->weight * a;
    }
}

/* f is a constant where this is inlined, so that a loop has no choice to make. */
static inline void row_sums(int f, int64_t d, double width, const float *restrict x,
                            double ret[2]) {
    double a = 0, b = f == SHAPE_GRIEWANK ? 1 : 0;
    for (int64_t j = 0; j < d; j++) {
        struct term t = term_of(f, (double)x[j], j, d, width);
        a += t.p;
        b = f == SHAPE_GRIEWANK ? b * t.q : b + t.q;
    }
    ret[0] = a;
    ret[1] = b;
}

static inline void row_gradient(int f, int64_t d, double width, const double slope[2],
                                const float *restrict x, float *restrict dx, int add) {
    for (int64_t j = 0; j < d; j++) {
        struct term t = term_of(f, (double)x[j], j, d, width);
        double q = f == SHAPE_GRIEWANK ? t.dq / t.q : t.dq;
        dx[j] = (add ? dx[j] : 0.0f) + (float)(slope[0] * t.dp + slope[1] * q);
    }
}

/* CALL(f) with f a constant. */
#define FOR_FUNCTION(function, CALL)                                                               \
    switch (function) {                                                                            \
    case SHAPE_SQUARE:                                                                             \
        CALL(SHAPE_SQUARE);                                                                        \
        break;                                                                                     \
    case SHAPE_ACKLEY:                                                                             \
        CALL(SHAPE_ACKLEY);                                                                        \
        break;                                                                                     \
    case SHAPE_RASTRIGIN:                                                                          \
        CALL(SHAPE_RASTRIGIN);                                                                     \
        break;                                                                                     \
    case SHAPE_GRIEWANK:                                                                           \
        CALL(SHAPE_GRIEWANK);                                                                      \
        break;                                                                                     \
    default:                                                                                       \
        CALL(function);                                                                            \
    }

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct landscape *g = argument;
    const int64_t d = g->job->columns;
    for (int64_t i = begin; i < end; i++) {
        double sums[2], slope[2];
#define CALL(f) row_sums(f, d, g->job->width, g->x + i * d, sums)
        FOR_FUNCTION(g->job->function, CALL)
#undef CALL
        g->value[i] = (float)combine(g->job, sums[0], sums[1], slope);
        g->stats[2 * i] = (float)sums[0];
        g->stats[2 * i + 1] = (float)sums[1];
    }
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct landscape *g = argument;
    const int64_t d = g->job->columns;
    for (int64_t i = begin; i < end; i++) {
        double slope[2];
        (void)combine(g->job, (double)g->stats_in[2 * i], (double)g->stats_in[2 * i + 1], slope);
        slope[0] *= (double)g->dvalue[i];
        slope[1] *= (double)g->dvalue[i];
#define CALL(f) row_gradient(f, d, g->job->width, slope, g->x + i * d, g->dx + i * d, g->add)
        FOR_FUNCTION(g->job->function, CALL)
#undef CALL
    }
}

/* A term costs about as much as 16 multiplications. */
void FALLBACK(landscape_forward)(pdessm_pool *pool, const pdessm_landscape_job *job, const float *x,
                                 float *value, float *stats) {
    struct landscape g = {.job = job, .x = x, .value = value, .stats = stats};
    for_rows(pool, job->rows, 16 * job->columns, forward, &g);
}

void FALLBACK(landscape_backward)(pdessm_pool *pool, const pdessm_landscape_job *job,
                                  const float *x, const float *stats, const float *dvalue,
                                  float *dx, int add) {
    struct landscape g = {
        .job = job, .x = x, .stats_in = stats, .dvalue = dvalue, .dx = dx, .add = add};
    for_rows(pool, job->rows, 16 * job->columns, backward, &g);
}
