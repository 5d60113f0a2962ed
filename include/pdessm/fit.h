/* SPDX-License-Identifier: MIT */
/* fit.h: fitting an invertible map (precondition.h) to a set of images, and the set behind it. */
#ifndef PDESSM_FIT_H
#define PDESSM_FIT_H

#include <pdessm/data.h>
#include <pdessm/precondition.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_precondition_options {
    pdessm_precondition_kind kind;
    int pooled;       /* one map for all classes; data without labels always gets that */
    double epsilon;   /* share of the mean eigenvalue, or mean power, that is added to all */
    double shrinkage; /* whiten, realnvp: a above, in [0, 1] */
    double max_gain;  /* spectral: cap, over the gain of a wave of mean power */
    int batch;        /* images that the device works on at once */
    int64_t steps;    /* realnvp, flow: of training */
    int64_t layers;   /* realnvp: at least 2, so that both halves are changed */
    int64_t hidden;   /* realnvp: numbers in each hidden layer of a coupling's network */
    int solver_steps; /* flow: Runge-Kutta steps between the ends */
    uint64_t seed;    /* realnvp, flow */
    /* realnvp, flow: a folder, made when needed, that keeps the training every 200 steps and when
     * it is cancelled. The same fit resumes from there bit for bit; another one is refused
     * (ERROR_FILE). The caller removes it once the map is safe. NULL: none. */
    const char *folder;
    /* Called now and then with the share done in [0, 1]; nonzero cancels (ERROR_CANCELLED). */
    int (*progress)(void *user, double share);
    void *user;
} pdessm_precondition_options;

/* epsilon 1e-3, shrinkage 0.1, max_gain 30, batch 64, 1000 steps, 8 layers of 256, 10 solver steps.
 */
PDESSM_API pdessm_precondition_options pdessm_precondition_defaults(pdessm_precondition_kind kind);

/* Fits a map to all images of a set. ERROR_ARGUMENT: a map that would not fit into memory (whiten
 * with many pixels), a class with too few images, images that are all alike. */
PDESSM_API pdessm_status pdessm_precondition_fit(pdessm_device *device, pdessm_dataset *data,
                                                 const pdessm_precondition_options *options,
                                                 pdessm_precondition **ret);

/* The set T_y(x), as float32 in memory: 4 bytes for each number of the data. It outlives data and
 * map. Training draws from it as from any other. */
PDESSM_API pdessm_status pdessm_precondition_dataset(pdessm_precondition *map, pdessm_dataset *data,
                                                     int (*progress)(void *user, double share),
                                                     void *user, pdessm_dataset **ret);

/* The same for a map that takes long (a flow): what is done is kept in files below `folder`, which
 * is made, and the same call resumes from there. ERROR_FILE: they are of another map or set. */
PDESSM_API pdessm_status pdessm_precondition_dataset_kept(pdessm_precondition *map,
                                                          pdessm_dataset *data, const char *folder,
                                                          int (*progress)(void *user, double share),
                                                          void *user, pdessm_dataset **ret);

/* Error of T_y^-1(T_y(x)) over the first n images of a set (0: all): root mean square and largest,
 * in the images' units, where an 8-bit step is 2/255. */
PDESSM_API pdessm_status pdessm_precondition_round_trip(pdessm_precondition *map,
                                                        pdessm_dataset *data, int64_t n,
                                                        double *ret_rms, double *ret_most);

/* Notes in the log what was fitted to data in `seconds`: kind, classes, bytes, and the error
 * of the way there and back over 256 images. */
PDESSM_API pdessm_status pdessm_precondition_log_fit(pdessm_precondition *map, pdessm_dataset *data,
                                                     double seconds);

#ifdef __cplusplus
}
#endif
#endif
