/* SPDX-License-Identifier: MIT */
/* couplings.h: the coupling layers of a realnvp map: parameters, tape, and the two halves of an
 * image (the definition stands in pdessm/precondition.h). D numbers of an image, E of them on the
 * even fields of the chess board and O on the odd ones. */
#ifndef PDESSM_MODEL_MAPS_COUPLINGS_H
#define PDESSM_MODEL_MAPS_COUPLINGS_H

#include "model/maps/map.h"
#include "model/model.h"

/* A number is stretched by at most e in each layer. */
#define PDESSM_REALNVP_BOUND 1.0

typedef struct pdessm_realnvp {
    pdessm_device *device;
    pdessm_precondition_info info;
    int64_t half[2]; /* E, O */
    int64_t *field;  /* [D]: places of the even, then of the odd numbers in an image */
    int count;
    pdessm_parameter *parameter; /* layer by layer */
    pdessm_arena values, gradients;
} pdessm_realnvp;

/* How many numbers of an image lie on even (0) and odd (1) fields. */
int64_t pdessm_realnvp_half(const pdessm_precondition_info *info, int odd);

/* Numbers of all parameters. */
int64_t pdessm_realnvp_numbers(const pdessm_precondition_info *info);

/* Parameters of undefined values, with gradients if they are to be trained. */
pdessm_status pdessm_realnvp_create(pdessm_device *device, const pdessm_precondition_info *info,
                                    int with_gradients, pdessm_realnvp **ret);
void pdessm_realnvp_destroy(pdessm_realnvp **network);

/* Initial values: the layers change nothing. */
pdessm_status pdessm_realnvp_init(pdessm_realnvp *network, uint64_t seed);

/* All parameters, one after the other, from and to memory. */
pdessm_status pdessm_realnvp_write(pdessm_realnvp *network, const float *values);
pdessm_status pdessm_realnvp_read(pdessm_realnvp *network, float *ret);

/* x[0] [B, E] and x[1] [B, O] through the layers, or back; labels int32 [B]. ret_s, shaped like the
 * halves: the sum of s over the layers that changed them. */
void pdessm_realnvp_record(pdessm_realnvp *network, pdessm_tape *tape,
                           pdessm_map_direction direction, pdessm_tensor *const x[2],
                           pdessm_tensor *label, pdessm_tensor *ret_y[2], pdessm_tensor *ret_s[2]);

/* n images [n, D] into halves [n, E] and [n, O], and back. */
void pdessm_realnvp_split(const pdessm_realnvp *network, int64_t n, const float *images,
                          float *const ret_half[2]);
void pdessm_realnvp_join(const pdessm_realnvp *network, int64_t n, float *const half[2],
                         float *ret);

#endif
