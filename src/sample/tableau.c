/* SPDX-License-Identifier: MIT */
/* tableau.c: Euler, midpoint, Heun, the classical Runge-Kutta method, and Dormand-Prince 5(4) (J.
 * Comp. Appl. Math. 6, 1980). */
#include "sample/tableau.h"

#include "core/names.h"

static const pdessm_tableau tableaus[] = {
    [PDESSM_EULER] = {.stages = 1, .b = {1}, .order = 1},
    [PDESSM_MIDPOINT] = {.stages = 2, .c = {0, 0.5}, .a = {{0}, {0.5}}, .b = {0, 1}, .order = 2},
    [PDESSM_HEUN] = {.stages = 2, .c = {0, 1}, .a = {{0}, {1}}, .b = {0.5, 0.5}, .order = 2},
    [PDESSM_RK4] = {.stages = 4,
                    .c = {0, 0.5, 0.5, 1},
                    .a = {{0}, {0.5}, {0, 0.5}, {0, 0, 1}},
                    .b = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6},
                    .order = 4},
    [PDESSM_DOPRI5] = {.stages = 7,
                       .c = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1},
                       .a = {{0},
                             {1.0 / 5},
                             {3.0 / 40, 9.0 / 40},
                             {44.0 / 45, -56.0 / 15, 32.0 / 9},
                             {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
                             {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176,
                              -5103.0 / 18656},
                             {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}},
                       .b = {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84,
                             0},
                       .e = {35.0 / 384 - 5179.0 / 57600, 0, 500.0 / 1113 - 7571.0 / 16695,
                             125.0 / 192 - 393.0 / 640, -2187.0 / 6784 + 92097.0 / 339200,
                             11.0 / 84 - 187.0 / 2100, -1.0 / 40},
                       .order = 5,
                       .last_is_first = 1},
};
const pdessm_tableau *pdessm_tableau_of(pdessm_solver solver) {
    return &tableaus[solver];
}

PDESSM_DEFINE_NAMES(pdessm_solver, pdessm_solver, PDESSM_SOLVERS, "solver")
