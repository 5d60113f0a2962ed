/* SPDX-License-Identifier: MIT */
/* eigen.h: eigenvalues and eigenvectors of symmetric matrices in double precision.
 *
 * The room `numeric` holds algorithms of numerical mathematics on plain arrays of the host, which
 * know neither images nor networks nor devices. */
#ifndef PDESSM_NUMERIC_EIGEN_H
#define PDESSM_NUMERIC_EIGEN_H

#include <stdint.h>

#include <pdessm/context.h>

/* Decomposes a symmetric matrix [n, n], row-major, of which the upper triangle is read. It is
 * overwritten by orthonormal eigenvectors: row i belongs to ret_values[i], which ascend, so that
 * matrix = sum_i value_i row_i^T row_i. LAPACK's divide and conquer (dsyevd): O(n^3), about 3 n^2
 * doubles of scratch. ret_values has room for n; matrix and ret_values are undefined on failure.
 *
 * LAPACKE is opened on the first call, not linked: a program that needs no eigenvectors neither
 * waits for it nor asks for it. ERROR_UNSUPPORTED says what to install where it is missing;
 * ERROR_NUMERIC: an entry is not finite, or no convergence. */
pdessm_status pdessm_symmetric_eigen(pdessm_context *ctx, int64_t n, double *matrix,
                                     double *ret_values);

#endif
