/* SPDX-License-Identifier: MIT */
/* sample.h: draws images by integrating dx/dt = v_theta(x, t, y) from noise at t = 0 to t = 1. */
#ifndef PDESSM_SAMPLE_H
#define PDESSM_SAMPLE_H

#include <pdessm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PDESSM_SOLVERS(X)                                                                          \
    X(EULER, "euler")                                                                              \
    X(MIDPOINT, "midpoint")                                                                        \
    X(HEUN, "heun")                                                                                \
    X(RK4, "rk4")                                                                                  \
    X(DOPRI5, "dopri5") /* adaptive: rtol, atol instead of steps */
typedef enum pdessm_solver {
#define X(id, name) PDESSM_##id,
    PDESSM_SOLVERS(X)
#undef X
} pdessm_solver;

/* ERROR_ARGUMENT lists the names. */
PDESSM_API pdessm_status pdessm_solver_find(pdessm_context *ctx, const char *name,
                                            pdessm_solver *ret);
PDESSM_API const char *pdessm_solver_name(pdessm_solver solver);

typedef struct pdessm_sample_options {
    pdessm_solver solver;
    int steps;
    double rtol, atol;
    double guidance;   /* v = v_null + guidance (v_y - v_null); 1 costs nothing extra */
    int batch;         /* images drawn together */
    int height, width; /* 0: the model's own size */
    uint64_t seed;
    int64_t first; /* number of the first image: a set can be drawn in several calls */
    /* Called after each step with the share done in [0, 1]; nonzero cancels (ERROR_CANCELLED). */
    int (*progress)(void *user, double share);
    void *user;
} pdessm_sample_options;

/* heun, 50 steps, rtol = atol = 1e-5, guidance 1, batch 64. */
PDESSM_API pdessm_sample_options pdessm_sample_defaults(void);

/* Draws n images [n, channels, height, width], about in [-1, 1], of the given labels (NULL: the
 * null class; num_classes is the null class too). Image i depends on (seed, first + i) alone, not
 * on the batch. A model behind a map (precondition.h) has the map's inverse applied at the end; a
 * map of several classes needs labels. *ret_evaluations: network evaluations per image (guidance
 * counts as one); may be NULL. */
PDESSM_API pdessm_status pdessm_sample(pdessm_model *model, const pdessm_sample_options *options,
                                       int64_t n, const int32_t *labels, float *images,
                                       int64_t *ret_evaluations);

/* The same for many images that take long: they are kept in files below `folder`, which is made,
 * some hundreds in each, and a call for the same images of the same model resumes where an earlier
 * one ended. The caller removes the folder when it is no longer needed. ERROR_FILE: it holds other
 * images. *ret_evaluations: with dopri5 of the images drawn last, 0 when all were there.
 */
PDESSM_API pdessm_status pdessm_sample_kept(pdessm_model *model,
                                            const pdessm_sample_options *options, int64_t n,
                                            const int32_t *labels, const char *folder,
                                            float *images, int64_t *ret_evaluations);

#ifdef __cplusplus
}
#endif
#endif
