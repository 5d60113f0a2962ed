/* SPDX-License-Identifier: MIT */
/* pool.c: a fork-join thread pool that spins before it sleeps. */
#define _GNU_SOURCE
#include "core/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* About 20 us of spinning: longer than the serial gaps between operators, shorter than anybody
 * would notice on a laptop's fan. */
enum { SPINS = 4000, MOST_WORKERS = 512 };

struct worker {
    pdessm_pool *pool;
    pthread_t thread;
    int index;
};

/* `door` of the current region: whether workers may still enter, and how many are inside. The
 * caller never waits for a worker that has not entered: on a busy machine that could take a time
 * slice. */
enum { OPEN = 1 << 30 };

struct pdessm_pool {
    int workers; /* the calling thread is worker 0 */
    int started; /* threads really running, workers 1 .. started */
    struct worker *worker;
    void **scratch;
    size_t scratch_bytes;
    /* The region: written while the door is shut and nobody is inside. */
    pdessm_task task;
    void *argument;
    int64_t count;
    _Alignas(64) atomic_int generation; /* of regions; workers wait for it to change */
    atomic_int sleepers;                /* of them, those that sleep */
    atomic_int stop;
    _Alignas(64) atomic_llong next;
    _Alignas(64) atomic_int door;
};

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(atomic_int *word, int seen) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(atomic_int *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Spins until *word differs from seen; 0 when patience ends first. */
static int spin_until_changed(atomic_int *word, int seen) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != seen)
            return 1;
        relax();
    }
    return 0;
}

static void wait_for_region(pdessm_pool *pool, int seen) {
    if (spin_until_changed(&pool->generation, seen))
        return;
    /* Sequentially consistent with the caller's change of generation and look at sleepers: either
     * it sees us, or the futex sees the new generation. */
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->generation) == seen)
        futex_wait(&pool->generation, seen);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void work(pdessm_pool *pool, int index) {
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= pool->count)
            return;
        pool->task(pool->argument, i, index);
    }
}

/* Goes into the region if its door is still open. */
static int enter(pdessm_pool *pool) {
    int door = atomic_load_explicit(&pool->door, memory_order_relaxed);
    while (door & OPEN)
        if (atomic_compare_exchange_weak_explicit(&pool->door, &door, door + 1,
                                                  memory_order_acquire, memory_order_relaxed))
            return 1;
    return 0;
}

/* The last one out after the door was shut tells the caller, who may sleep on it. */
static void leave(pdessm_pool *pool) {
    if (atomic_fetch_sub_explicit(&pool->door, 1, memory_order_acq_rel) == 1)
        futex_wake(&pool->door);
}

static void *run_worker(void *argument) {
    struct worker *self = argument;
    pdessm_pool *pool = self->pool;
    int seen = 0;
    for (;;) {
        wait_for_region(pool, seen);
        seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return NULL;
        if (enter(pool)) {
            work(pool, self->index);
            leave(pool);
        }
    }
}

static int usable_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

pdessm_pool *pdessm_pool_create(int threads) {
    int workers = threads > 0 ? threads : usable_cpus();
    if (workers > MOST_WORKERS)
        workers = MOST_WORKERS;
    pdessm_pool *pool = aligned_alloc(64, (sizeof *pool + 63) / 64 * 64);
    if (!pool)
        return NULL;
    *pool = (pdessm_pool){.workers = workers};
    pool->worker = calloc((size_t)workers, sizeof *pool->worker);
    pool->scratch = calloc((size_t)workers, sizeof *pool->scratch);
    if (!pool->worker || !pool->scratch) {
        pdessm_pool_destroy(&pool);
        return NULL;
    }
    /* Signals belong to the program that embeds us, so our threads block them all. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 1; i < workers; i++) {
        pool->worker[i] = (struct worker){.pool = pool, .index = i};
        if (pthread_create(&pool->worker[i].thread, NULL, run_worker, &pool->worker[i]) != 0)
            break;
        pool->started = i;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pool->workers = pool->started + 1; /* fewer threads than asked for are still right */
    return pool;
}

static void wake_workers(pdessm_pool *pool) {
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers) > 0)
        futex_wake(&pool->generation);
}

void pdessm_pool_destroy(pdessm_pool **pool) {
    pdessm_pool *p = *pool;
    if (!p)
        return;
    atomic_store(&p->stop, 1);
    wake_workers(p);
    for (int i = 1; i <= p->started; i++)
        pthread_join(p->worker[i].thread, NULL);
    for (int i = 0; p->scratch && i < p->workers; i++)
        free(p->scratch[i]);
    free(p->scratch);
    free(p->worker);
    free(p);
    *pool = NULL;
}

int pdessm_pool_workers(const pdessm_pool *pool) {
    return pool->workers;
}

void pdessm_parallel(pdessm_pool *pool, int64_t count, pdessm_task task, void *argument) {
    if (pool->started == 0 || count <= 1) {
        for (int64_t i = 0; i < count; i++)
            task(argument, i, 0);
        return;
    }
    pool->task = task;
    pool->argument = argument;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->door, OPEN, memory_order_release);
    wake_workers(pool);
    work(pool, 0);
    int inside = atomic_fetch_sub_explicit(&pool->door, OPEN, memory_order_acq_rel) - OPEN;
    while (inside != 0) {
        if (!spin_until_changed(&pool->door, inside))
            futex_wait(&pool->door, inside);
        inside = atomic_load_explicit(&pool->door, memory_order_acquire);
    }
}

int pdessm_pool_reserve(pdessm_pool *pool, size_t bytes) {
    if (bytes <= pool->scratch_bytes)
        return 1;
    size_t rounded = (bytes + 4095) / 4096 * 4096;
    for (int i = 0; i < pool->workers; i++) {
        void *bigger = aligned_alloc(4096, rounded);
        if (!bigger)
            return 0; /* workers before this one keep the larger block, which does no harm */
        free(pool->scratch[i]);
        pool->scratch[i] = bigger;
    }
    pool->scratch_bytes = rounded;
    return 1;
}

void *pdessm_pool_scratch(const pdessm_pool *pool, int worker) {
    return pool->scratch[worker];
}
