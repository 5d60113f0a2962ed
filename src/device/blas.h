/* SPDX-License-Identifier: MIT */
/* blas.h: matrix products of a BLAS that is found at run time. */
#ifndef PDESSM_DEVICE_BLAS_H
#define PDESSM_DEVICE_BLAS_H

#include "core/context.h"
#include "linear.h"

typedef struct pdessm_blas {
    pdessm_sgemm sgemm;
    char place[512]; /* the file that it comes from */
} pdessm_blas;

/* Looks for cblas_sgemm, first among the symbols of the process, so that a program can bring its
 * own, then in OpenBLAS, BLIS and whatever the system calls its CBLAS; tries it out; and tells it
 * to use one thread, because it is called from ours, each with a block of the result. (OpenBLAS
 * keeps that number for the whole process.)
 *
 * choice: "own", "cblas", "auto" or NULL, which means own where own_is_faster, else cblas.
 * *ret is NULL when our own kernel is to be used. That is also the answer, with a warning, when
 * the BLAS is wrong, and when "cblas" was asked for and there is none. ERROR_ARGUMENT: another
 * choice. */
pdessm_status pdessm_blas_open(pdessm_context *ctx, const char *choice, int own_is_faster,
                               pdessm_blas **ret);
void pdessm_blas_close(pdessm_blas **blas);

#endif
