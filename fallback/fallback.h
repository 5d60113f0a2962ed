/* SPDX-License-Identifier: MIT */
/* fallback.h: the operators in plain C. They know nothing but numbers and pointers.
 *
 * Each file of this folder is compiled once for each instruction set, and each set fills a table of
 * its own; the device takes the best table that the CPU can run. Conventions: arrays are row-major;
 * a gradient pointer that is NULL is not wanted; add != 0 means += instead of =; results do not
 * depend on the number of threads, because work is cut at places that only the shapes decide. */
#ifndef PDESSM_FALLBACK_H
#define PDESSM_FALLBACK_H

#include "core/pool.h"
#include "linear.h"

/* F(return type, name, arguments) */
#define PDESSM_FALLBACK_LIST(F)                                                                    \
    F(size_t, linear_scratch, (const pdessm_linear *l, int backward))                              \
    F(void, linear_forward, (pdessm_pool * pool, const pdessm_linear *l, float *y))                \
    F(void, linear_backward,                                                                       \
      (pdessm_pool * pool, const pdessm_linear *l, const float *dy,                                \
       const pdessm_linear_gradients *to))                                                         \
    /* n elements */                                                                               \
    F(void, gelu_forward, (pdessm_pool * pool, int64_t n, const float *x, float *y))               \
    F(void, gelu_backward,                                                                         \
      (pdessm_pool * pool, int64_t n, const float *x, const float *dy, float *dx, int add))

typedef struct pdessm_fallback {
    const char *isa;
#define F(type, name, arguments) type(*name) arguments;
    PDESSM_FALLBACK_LIST(F)
#undef F
} pdessm_fallback;

/* The tables, best last; which of them exist is decided by the build (see fallback/meson.build). */
extern const pdessm_fallback pdessm_fallback_base;
#ifdef PDESSM_HAVE_X86_LEVELS
extern const pdessm_fallback pdessm_fallback_v3;
extern const pdessm_fallback pdessm_fallback_v4;
#endif

/* Inside this folder PDESSM_ISA names the instruction set at hand, and FALLBACK(gelu_forward) is
 * the name of that set's function. */
#ifdef PDESSM_ISA
#define PDESSM_PASTE3_(a, b, c) a##b##_##c
#define PDESSM_PASTE3(a, b, c) PDESSM_PASTE3_(a, b, c)
#define FALLBACK(name) PDESSM_PASTE3(pdessm_host_, name, PDESSM_ISA)
#define F(type, name, arguments) type FALLBACK(name) arguments;
PDESSM_FALLBACK_LIST(F)
#undef F
#endif

#endif
