/* SPDX-License-Identifier: MIT */
/* pool.h: threads for operators in plain C. Workers spin for a moment, then sleep on a futex, so
 * that a short region costs well under a microsecond and an idle program costs nothing. */
#ifndef PDESSM_CORE_POOL_H
#define PDESSM_CORE_POOL_H

#include <stddef.h>
#include <stdint.h>

typedef struct pdessm_pool pdessm_pool;

/* One piece of a region: index in [0, count), worker in [0, pdessm_pool_workers()). */
typedef void (*pdessm_task)(void *argument, int64_t index, int worker);

/* threads = 0: one for each CPU that the process may run on. NULL when out of memory. */
pdessm_pool *pdessm_pool_create(int threads);
void pdessm_pool_destroy(pdessm_pool **pool);
int pdessm_pool_workers(const pdessm_pool *pool);

/* Runs task for every index and returns when all are done. Pieces are handed out one by one in
 * rising order; which worker gets which is open, so a result must not depend on it. Not reentrant.
 */
void pdessm_parallel(pdessm_pool *pool, int64_t count, pdessm_task task, void *argument);

/* Makes sure that each worker has scratch of at least `bytes`; 0 when out of memory. Grows only. */
int pdessm_pool_reserve(pdessm_pool *pool, size_t bytes);

/* The scratch of one worker, 64-byte aligned; valid until the next reserve that grows it. */
void *pdessm_pool_scratch(const pdessm_pool *pool, int worker);

#endif
