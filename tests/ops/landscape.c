/* SPDX-License-Identifier: MIT */
/* landscape.c: the functions as textbooks have them, moved so that their least value lies at 0. */
#include <math.h>

#include <pdessm/ops.h>

#include "check.h"
#include "landscape.h"

#define SAME(name)                                                                                 \
    _Static_assert((int)SHAPE_##name == (int)PDESSM_LANDSCAPE_##name, "plain C numbers differ")
SAME(SQUARE);
SAME(LOG);
SAME(RATIO);
SAME(ACKLEY);
SAME(RASTRIGIN);
SAME(GRIEWANK);
SAME(LEVY);
SAME(ALPINE1);
SAME(STYBLINSKI_TANG);
SAME(SCHWEFEL);
SAME(COUNT);

static const double PI = 3.14159265358979323846;

static double square(double v) {
    return v * v;
}

static double ackley(int64_t d, const double *z) {
    double squares = 0, cosines = 0;
    for (int64_t j = 0; j < d; j++) {
        squares += square(z[j]);
        cosines += cos(2 * PI * z[j]);
    }
    return 20 + exp(1) - 20 * exp(-0.2 * sqrt(squares / (double)d)) - exp(cosines / (double)d);
}

static double griewank(int64_t d, const double *z) {
    double sum = 0, product = 1;
    for (int64_t j = 0; j < d; j++) {
        sum += square(z[j]) / 4000;
        product *= cos(z[j] / sqrt((double)(j + 1)));
    }
    return 1 + sum - product;
}

/* Its optimum is at 1. */
static double levy(int64_t d, const double *z) {
    double first = 1 + z[0] / 4, last = 1 + z[d - 1] / 4, sum = square(sin(PI * first));
    for (int64_t j = 0; j + 1 < d; j++) {
        double w = 1 + z[j] / 4;
        sum += square(w - 1) * (1 + 10 * square(sin(PI * w + 1)));
    }
    return sum + square(last - 1) * (1 + square(sin(2 * PI * last)));
}

static double styblinski_tang(double x) {
    return (pow(x, 4) - 16 * x * x + 5 * x) / 2;
}

static double schwefel(double x) {
    double edge = x < 0 ? -500 : 500, root = sqrt(500), rest = fabs(x) - 500;
    if (rest <= 0)
        return 418.98288727243378 - x * sin(sqrt(fabs(x)));
    double slope = -(sin(root) + root * cos(root) / 2) * (x < 0 ? -1 : 1);
    return 418.98288727243378 - edge * sin(root) + slope * rest + rest * rest;
}

static double separable(int function, double width, double z) {
    const double tang = -2.903534027771177;
    switch (function) {
    case PDESSM_LANDSCAPE_SQUARE:
        return z * z;
    case PDESSM_LANDSCAPE_LOG:
        return log(1 + square(z / width));
    case PDESSM_LANDSCAPE_RATIO:
        return z * z / (z * z + width * width);
    case PDESSM_LANDSCAPE_RASTRIGIN:
        return z * z - 10 * cos(2 * PI * z) + 10;
    case PDESSM_LANDSCAPE_ALPINE1:
        return fabs(z * sin(z) + 0.1 * z);
    case PDESSM_LANDSCAPE_STYBLINSKI_TANG:
        return styblinski_tang(z + tang) - styblinski_tang(tang);
    default:
        return schwefel(z + 420.968746359982);
    }
}

static void oracle(const check_case *c) {
    const int64_t rows = c->dims[0][0], d = c->dims[0][1];
    const int function = (int)c->attribute[0];
    for (int64_t i = 0; i < rows; i++) {
        const double *z = c->value[0] + i * d;
        double value = 0;
        if (function == PDESSM_LANDSCAPE_ACKLEY)
            value = ackley(d, z);
        else if (function == PDESSM_LANDSCAPE_GRIEWANK)
            value = griewank(d, z);
        else if (function == PDESSM_LANDSCAPE_LEVY)
            value = levy(d, z);
        else
            for (int64_t j = 0; j < d; j++)
                value += separable(function, c->attribute[2], z[j]);
        c->value[1][i] = c->attribute[1] * value;
    }
}

/* A kink has no derivative to compare with: Alpine1's terms meet zero at z = 0 and where sin z is
 * -0.1, Schwefel's second derivative jumps. Numbers near them are moved away. */
static double away_from_kinks(double z) {
    return fabs(z * (sin(z) + 0.1)) < 1e-2 ? z + 0.1 : z;
}

static void edges(check *c) {
    for (int64_t i = 0; i < check_count(c, 0); i++)
        if (check_drawn(c)->attribute[0] == PDESSM_LANDSCAPE_ALPINE1)
            check_values(c, 0)[i] = away_from_kinks(check_values(c, 0)[i]);
}

const check_operator check_landscape = {oracle, edges};
