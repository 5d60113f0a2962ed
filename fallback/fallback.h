/* SPDX-License-Identifier: MIT */
/* fallback.h: the operators in plain C. They know numbers and pointers, and of the
 * library its threads (core/pool.h) and its random numbers (core/random.h), nothing else.
 *
 * Each file of this folder is compiled once for each instruction set, and each set fills a table of
 * its own; the device takes the best table that the CPU can run. Conventions: arrays are row-major;
 * a gradient pointer that is NULL is not wanted; add != 0 means += instead of =; results do not
 * depend on the number of threads, because work is cut at places that only the shapes decide. */
#ifndef PDESSM_FALLBACK_H
#define PDESSM_FALLBACK_H

#include "attention.h"
#include "batch_norm.h"
#include "core/pool.h"
#include "dropout.h"
#include "head_dot.h"
#include "landscape.h"
#include "linear.h"
#include "spmm.h"

/* The numbers of one step of adamw, made from its attributes in double. */
struct pdessm_adamw_numbers {
    float beta1, rest1, beta2, rest2; /* rest: 1 - beta */
    float rate;                       /* rate / (1 - beta1^step) */
    float root;                       /* 1 / sqrt(1 - beta2^step) */
    float epsilon;
    float keep; /* 1 - rate decay */
};

/* What cdr_symbol works on: diffusion [channels, terms, 3], convection [.., 2], reaction and weight
 * [channels, terms], skip [channels], all physical; the symbol of a height x width grid. */
typedef struct pdessm_cdr {
    int64_t channels, terms, height, width;
    int forced; /* phi1 instead of exp */
    const float *diffusion, *convection, *reaction, *weight, *skip;
} pdessm_cdr;

/* F(return type, name, arguments) */
#define PDESSM_FALLBACK_LIST(F)                                                                    \
    F(size_t, attention_scratch, (const pdessm_attention_job *a, int backward))                    \
    F(void, attention_forward,                                                                     \
      (pdessm_pool * pool, const pdessm_attention_job *a, float *y, float *lse))                   \
    F(void, attention_backward,                                                                    \
      (pdessm_pool * pool, const pdessm_attention_job *a, const float *y, const float *lse,        \
       const float *dy, float *dqkv, int add))                                                     \
    F(void, landscape_forward,                                                                     \
      (pdessm_pool * pool, const pdessm_landscape_job *job, const float *x, float *value,          \
       float *stats))                                                                              \
    F(void, landscape_backward,                                                                    \
      (pdessm_pool * pool, const pdessm_landscape_job *job, const float *x, const float *stats,    \
       const float *dvalue, float *dx, int add))                                                   \
    F(size_t, linear_scratch, (const pdessm_linear_job *l, int backward))                          \
    F(void, linear_forward, (pdessm_pool * pool, const pdessm_linear_job *l, float *y))            \
    F(void, linear_backward,                                                                       \
      (pdessm_pool * pool, const pdessm_linear_job *l, const float *dy,                            \
       const pdessm_linear_gradients *to))                                                         \
    /* n elements */                                                                               \
    F(void, silu_forward, (pdessm_pool * pool, int64_t n, const float *x, float *y))               \
    F(void, silu_backward,                                                                         \
      (pdessm_pool * pool, int64_t n, const float *x, const float *dy, float *dx, int add))        \
    F(void, gate_forward,                                                                          \
      (pdessm_pool * pool, int64_t n, const float *a, const float *z, float *y))                   \
    F(void, gate_backward,                                                                         \
      (pdessm_pool * pool, int64_t n, const float *a, const float *z, const float *dy, float *da,  \
       int add_a, float *dz, int add_z))                                                           \
    /* parts [2, n] */                                                                             \
    F(void, affine_coupling_forward,                                                               \
      (pdessm_pool * pool, int64_t n, float bound, int inverse, const float *x,                    \
       const float *parts, float *y, float *s))                                                    \
    F(void, affine_coupling_backward,                                                              \
      (pdessm_pool * pool, int64_t n, float bound, int inverse, const float *x, const float *y,    \
       const float *s, const float *dy, const float *ds, float *dx, int add_x, float *dparts,      \
       int add_parts))                                                                             \
    F(void, mse_loss_forward,                                                                      \
      (pdessm_pool * pool, int64_t n, const float *p, const float *t, float *loss))                \
    F(void, mse_loss_backward,                                                                     \
      (pdessm_pool * pool, int64_t n, const float *p, const float *t, const float *dloss,          \
       float *dp, int add_p, float *dt, int add_t))                                                \
    /* logits [batch, classes], labels [batch], stats [batch, 2] */                                \
    F(void, cross_entropy_forward,                                                                 \
      (pdessm_pool * pool, int64_t batch, int64_t classes, float smoothing, const float *logits,   \
       const int32_t *labels, float *loss, float *stats))                                          \
    F(void, cross_entropy_backward,                                                                \
      (pdessm_pool * pool, int64_t batch, int64_t classes, float smoothing, const float *logits,   \
       const int32_t *labels, const float *stats, const float *dloss, float *dlogits, int add))    \
    F(size_t, mean_tokens_scratch,                                                                 \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels))                       \
    F(void, mean_tokens_forward,                                                                   \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *x,        \
       float *y))                                                                                  \
    F(void, mean_tokens_backward,                                                                  \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *dy,       \
       float *dx, int add))                                                                        \
    /* rows over all images and channels, and width, of y */                                       \
    F(void, average_pool_forward,                                                                  \
      (pdessm_pool * pool, int64_t rows, int64_t width, float gain, const float *u, float *y))     \
    F(void, average_pool_backward,                                                                 \
      (pdessm_pool * pool, int64_t rows, int64_t width, float gain, const float *dy, float *du,    \
       int add))                                                                                   \
    /* from: height, width, channels of u; to: height, width of y */                               \
    F(void, corner_forward,                                                                        \
      (pdessm_pool * pool, int64_t batch, const int64_t from[3], const int64_t to[2],              \
       const float *u, float *y))                                                                  \
    F(void, corner_backward,                                                                       \
      (pdessm_pool * pool, int64_t batch, const int64_t from[3], const int64_t to[2],              \
       const float *dy, float *du, int add))                                                       \
    F(void, grad_norm_forward,                                                                     \
      (pdessm_pool * pool, int64_t n, const float *gradient, const float *loss, float clip,        \
       float *state))                                                                              \
    F(void, adamw_forward,                                                                         \
      (pdessm_pool * pool, int64_t n, const struct pdessm_adamw_numbers *a, const float *gradient, \
       const float *state, float *parameter, float *m, float *v))                                  \
    F(void, ema_forward,                                                                           \
      (pdessm_pool * pool, int64_t n, double decay, const float *parameter, const float *state,    \
       float *average))                                                                            \
    /* k[j] may be NULL; y may be x or one of k */                                                 \
    F(void, combine_forward,                                                                       \
      (pdessm_pool * pool, int64_t n, const float *x, const float *const k[7], const float c[7],   \
       float *y))                                                                                  \
    /* v [2, n] */                                                                                 \
    F(void, guide_forward, (pdessm_pool * pool, int64_t n, float scale, const float *v, float *y)) \
    F(void, error_norm_forward,                                                                    \
      (pdessm_pool * pool, int64_t n, double atol, double rtol, const float *e, const float *x,    \
       const float *y, float *norm))                                                               \
    /* x, m [batch, tokens, channels], gate [batch, channels] */                                   \
    F(void, residual_forward,                                                                      \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *x,        \
       const float *gate, const float *m, float *y))                                               \
    F(size_t, residual_scratch,                                                                    \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels))                       \
    F(void, residual_backward,                                                                     \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *gate,     \
       const float *m, const float *dy, float *dx, int add_x, float *dgate, int add_gate,          \
       float *dm, int add_m))                                                                      \
    /* a [rows, width], b [width] */                                                               \
    F(void, add_forward,                                                                           \
      (pdessm_pool * pool, int64_t rows, int64_t width, const float *a, const float *b, float *y)) \
    F(size_t, add_scratch, (pdessm_pool * pool, int64_t rows, int64_t width))                      \
    F(void, add_backward,                                                                          \
      (pdessm_pool * pool, int64_t rows, int64_t width, const float *dy, float *da, int add_a,     \
       float *db, int add_b))                                                                      \
    /* x [batch, tokens, channels], shift, scale [batch, channels] or NULL, stats [rows, 2] */     \
    F(void, layer_norm_forward,                                                                    \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *x,        \
       const float *shift, const float *scale, float *y, float *stats))                            \
    F(size_t, layer_norm_scratch,                                                                  \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels))                       \
    F(void, layer_norm_backward,                                                                   \
      (pdessm_pool * pool, int64_t batch, int64_t tokens, int64_t channels, const float *x,        \
       const float *scale, const float *stats, const float *dy, float *dx, int add_x,              \
       float *dshift, int add_shift, float *dscale, int add_scale))                                \
    /* image [batch, channels, height, width] */                                                   \
    F(void, patchify_forward,                                                                      \
      (pdessm_pool * pool, int64_t batch, int64_t channels, int64_t height, int64_t width,         \
       int64_t patch, const float *image, float *tokens))                                          \
    F(void, patchify_backward,                                                                     \
      (pdessm_pool * pool, int64_t batch, int64_t channels, int64_t height, int64_t width,         \
       int64_t patch, const float *dtokens, float *dimage, int add))                               \
    F(void, unpatchify_forward,                                                                    \
      (pdessm_pool * pool, int64_t batch, int64_t channels, int64_t height, int64_t width,         \
       int64_t patch, const float *tokens, float *image))                                          \
    F(void, unpatchify_backward,                                                                   \
      (pdessm_pool * pool, int64_t batch, int64_t channels, int64_t height, int64_t width,         \
       int64_t patch, const float *dimage, float *dtokens, int add))                               \
    /* t [batch], e [batch, 2 half] */                                                             \
    F(void, timestep_embedding_forward,                                                            \
      (pdessm_pool * pool, int64_t batch, int64_t half, const float *t, float *e))                 \
    /* t [batch], a [batch, width] */                                                              \
    F(void, gaussian_gain_forward,                                                                 \
      (pdessm_pool * pool, int64_t batch, int64_t width, const float *t, float *a))                \
    /* table [rows, channels], index [batch], y [batch, channels] */                               \
    F(void, embedding_forward,                                                                     \
      (pdessm_pool * pool, int64_t rows, int64_t channels, int64_t batch, const float *table,      \
       const int32_t *index, float *y))                                                            \
    F(void, embedding_backward,                                                                    \
      (pdessm_pool * pool, int64_t rows, int64_t channels, int64_t batch, const int32_t *index,    \
       const float *dy, float *dtable, int add))                                                   \
    /* data, noise, x_t, v [batch, elements], t [batch] */                                         \
    F(void, flow_path_forward,                                                                     \
      (pdessm_pool * pool, int64_t batch, int64_t elements, const float *data, const float *noise, \
       const float *t, float *x_t, float *v))                                                      \
    /* y [batch, elements]: samples first, first + 1, .. */                                        \
    F(void, philox_normal_forward,                                                                 \
      (pdessm_pool * pool, int64_t batch, int64_t elements, uint64_t seed, uint32_t purpose,       \
       uint32_t step, uint32_t first, float *y))                                                   \
    /* n elements */                                                                               \
    /* raw and physical diffusion [n, 3], convection [n, 2], reaction [n]; three of each in an     \
     * array; add: bit i for gradient i */                                                         \
    F(void, cdr_coefficients_forward,                                                              \
      (pdessm_pool * pool, int64_t n, float b_max, float extent, const float *const raw[3],        \
       float *const physical[3]))                                                                  \
    F(void, cdr_coefficients_backward,                                                             \
      (pdessm_pool * pool, int64_t n, float b_max, float extent, const float *const raw[3],        \
       const float *const dphysical[3], float *const draw[3], unsigned add))                       \
    /* symbol [height, width/2 + 1, channels, 2]; gradient: of the five arrays of cdr */           \
    F(size_t, cdr_symbol_scratch, (int64_t terms, int64_t width))                                  \
    F(void, cdr_symbol_forward, (pdessm_pool * pool, const pdessm_cdr *cdr, float *symbol))        \
    F(void, cdr_symbol_backward,                                                                   \
      (pdessm_pool * pool, const pdessm_cdr *cdr, const float *dsymbol, float *const gradient[5],  \
       unsigned add))                                                                              \
    /* u, y [batch, height, width, channels], symbol [height, width/2 + 1, channels, 2];           \
     * scratch for each worker */                                                                  \
    F(size_t, spectral_filter_scratch,                                                             \
      (int64_t batch, int64_t height, int64_t width, int64_t channels, int backward, int workers)) \
    F(void, spectral_filter_forward,                                                               \
      (pdessm_pool * pool, int64_t batch, int64_t height, int64_t width, int64_t channels,         \
       const float *u, const float *symbol, float *y))                                             \
    F(void, spectral_filter_backward,                                                              \
      (pdessm_pool * pool, int64_t batch, int64_t height, int64_t width, int64_t channels,         \
       const float *u, const float *symbol, const float *dy, float *du, float *dsymbol, int add_u, \
       int add_symbol))                                                                            \
    /* a, b [depth][16], c [16][16] in float64: c += products of the rows that a and b hold */     \
    F(void, panel_products, (int64_t depth, const double *a, const double *b, double *c))          \
    /* u, y [batch, height, width, channels], weight [channels, 3, 3], bias [channels] or NULL */  \
    F(void, depthwise_conv_forward,                                                                \
      (pdessm_pool * pool, int64_t batch, int64_t height, int64_t width, int64_t channels,         \
       const float *u, const float *weight, const float *bias, float *y))                          \
    F(size_t, depthwise_conv_scratch,                                                              \
      (pdessm_pool * pool, int64_t batch, int64_t height, int64_t width, int64_t channels,         \
       int backward))                                                                              \
    F(void, depthwise_conv_backward,                                                               \
      (pdessm_pool * pool, int64_t batch, int64_t height, int64_t width, int64_t channels,         \
       const float *u, const float *weight, const float *dy, float *du, int add_u, float *dweight, \
       int add_weight, float *dbias, int add_bias))                                                \
    F(void, relu_forward, (pdessm_pool * pool, int64_t n, float slope, const float *x, float *y))  \
    F(void, relu_backward,                                                                         \
      (pdessm_pool * pool, int64_t n, float slope, const float *x, const float *dy, float *dx,     \
       int add))                                                                                   \
    F(void, dropout_forward,                                                                       \
      (pdessm_pool * pool, const pdessm_dropout_job *job, const float *x, float *y))               \
    F(void, dropout_backward,                                                                      \
      (pdessm_pool * pool, const pdessm_dropout_job *job, const float *y, const float *dy,         \
       float *dx, int add))                                                                        \
    F(size_t, head_dot_scratch, (pdessm_pool * pool, const pdessm_head_dot_job *job))              \
    F(void, head_dot_forward,                                                                      \
      (pdessm_pool * pool, const pdessm_head_dot_job *job, const float *x, const float *a,         \
       float *y))                                                                                  \
    F(void, head_dot_backward,                                                                     \
      (pdessm_pool * pool, const pdessm_head_dot_job *job, const float *a, const float *dy,        \
       float *dx, int add))                                                                        \
    F(void, head_dot_weight,                                                                       \
      (pdessm_pool * pool, const pdessm_head_dot_job *job, const float *x, const float *dy,        \
       float *da, int add))                                                                        \
    /* running, stats [2, channels]; to: gradients of x, weight, bias; add: bit i for to[i] */     \
    F(size_t, batch_norm_scratch, (pdessm_pool * pool, const pdessm_batch_norm_job *job))          \
    F(void, batch_norm_forward,                                                                    \
      (pdessm_pool * pool, const pdessm_batch_norm_job *job, const float *x, const float *weight,  \
       const float *bias, float *running, float *y, float *stats))                                 \
    F(void, batch_norm_backward,                                                                   \
      (pdessm_pool * pool, const pdessm_batch_norm_job *job, const float *x, const float *weight,  \
       const float *stats, const float *dy, float *const to[3], unsigned add))                     \
    /* weight [edges, heads] or NULL */                                                            \
    F(void, spmm_forward,                                                                          \
      (pdessm_pool * pool, const pdessm_spmm_job *job, const float *x, const float *weight,        \
       float *y))                                                                                  \
    F(void, spmm_backward,                                                                         \
      (pdessm_pool * pool, const pdessm_spmm_job *job, const float *weight, const float *dy,       \
       float *dx, int add))                                                                        \
    F(void, spmm_weight,                                                                           \
      (pdessm_pool * pool, const pdessm_spmm_job *job, const float *x, const float *dy,            \
       float *dweight, int add))                                                                   \
    /* left, right [nodes, heads], y [edges, heads]; from: left, right, y, dy; to: gradients of    \
     * left and right; add: bit i for to[i]; scratch: one number for each node and head */         \
    F(void, edge_softmax_forward,                                                                  \
      (pdessm_pool * pool, const pdessm_spmm_job *job, float slope, const float *left,             \
       const float *right, float *y))                                                              \
    F(void, edge_softmax_backward,                                                                 \
      (pdessm_pool * pool, const pdessm_spmm_job *job, float slope, const float *const from[4],    \
       float *const to[2], unsigned add))                                                          \
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

/* Inside this folder PDESSM_ISA names the current instruction set, and FALLBACK(gelu_forward) is
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
