/* SPDX-License-Identifier: MIT */
/* ops.h: the operators that model code is written in. Each records one step of a tape and returns
 * its output, which the tape owns; see tape.h for errors. B: images of a batch, N: tokens of an
 * image, C: channels, M: rows (any leading extents). Arrays are row-major, channels last. */
#ifndef PDESSM_OPS_H
#define PDESSM_OPS_H

#include <pdessm/tape.h>

#ifdef __cplusplus
extern "C" {
#endif

/* y = x weight^T + bias: x [M, K], weight [P N, K], bias [P N] or NULL. parts = P > 1 gives
 * y [P, M, N], whose slices are the P outputs; P = 1 gives [M, N]. */
PDESSM_API pdessm_tensor *pdessm_linear(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *weight,
                                        pdessm_tensor *bias, int parts);

/* LN(x) (1 + scale) + shift over the last axis, eps 1e-6, without learned affine parameters: x [B,
 * N, C], shift and scale [B, C], or both NULL. */
PDESSM_API pdessm_tensor *pdessm_layer_norm(pdessm_tape *tape, pdessm_tensor *x,
                                            pdessm_tensor *shift, pdessm_tensor *scale);

/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
PDESSM_API pdessm_tensor *pdessm_gelu(pdessm_tape *tape, pdessm_tensor *x);
/* x sigmoid(x). */
PDESSM_API pdessm_tensor *pdessm_silu(pdessm_tape *tape, pdessm_tensor *x);
/* a silu(z), same shapes. */
PDESSM_API pdessm_tensor *pdessm_gate(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *z);
/* x + gate m: x, m [B, N, C], gate [B, C]. */
PDESSM_API pdessm_tensor *pdessm_residual(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *gate,
                                          pdessm_tensor *m);
/* a + b; the extents of b are the trailing ones of a. */
PDESSM_API pdessm_tensor *pdessm_add(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *b);

/* Physical coefficients from raw ones (the paper's constraints): K = (L L^T + eps I) / extent^2,
 * b = b_max tanh(beta) / extent, r = -softplus(rho), in units of a domain whose side is `extent`
 * images: 1 for the image itself; a symbol made with more is that of the same equation on the
 * larger periodic domain. diffusion [C, S, 3], convection [C, S, 2], reaction [C, S]. */
PDESSM_API void pdessm_cdr_coefficients(pdessm_tape *tape, double extent,
                                        pdessm_tensor *raw_diffusion, pdessm_tensor *raw_convection,
                                        pdessm_tensor *raw_reaction, double b_max,
                                        pdessm_tensor **ret_diffusion,
                                        pdessm_tensor **ret_convection,
                                        pdessm_tensor **ret_reaction);

#define PDESSM_SOLUTIONS(X) X(EVOLVE, "evolve") X(FORCED, "forced")
typedef enum pdessm_solution {
#define X(id, name) PDESSM_##id,
    PDESSM_SOLUTIONS(X)
#undef X
} pdessm_solution;
PDESSM_API const char *pdessm_solution_name(pdessm_solution value);
PDESSM_API pdessm_status pdessm_solution_find(pdessm_context *ctx, const char *name,
                                              pdessm_solution *ret);

/* G_c(k) = D_c + sum_n w_cn E_cn(k), the multiplier of the convection-diffusion-reaction equation
 * du/ds = div(K grad u) + b . grad u + r u after time 1, on the half spectrum of a height x width
 * grid: [height, width/2 + 1, C, 2]. */
PDESSM_API pdessm_tensor *pdessm_cdr_symbol(pdessm_tape *tape, pdessm_tensor *diffusion,
                                            pdessm_tensor *convection, pdessm_tensor *reaction,
                                            pdessm_tensor *weight, pdessm_tensor *skip,
                                            int64_t height, int64_t width,
                                            pdessm_solution solution);

/* y_c = irfft2(G_c . rfft2(u_c)): u [B, H, W, C], symbol [H, W/2 + 1, C, 2]. */
PDESSM_API pdessm_tensor *pdessm_spectral_filter(pdessm_tape *tape, pdessm_tensor *u,
                                                 pdessm_tensor *symbol);

/* y[b,i,j,c] = bias[c] + sum over p, q of weight[c,p,q] u[b,i+p-1,j+q-1,c], where u is zero outside
 * of the image: u [B, H, W, C], weight [C, 3, 3], bias [C] or NULL. */
PDESSM_API pdessm_tensor *pdessm_depthwise_conv(pdessm_tape *tape, pdessm_tensor *u,
                                                pdessm_tensor *weight, pdessm_tensor *bias);

/* Images of half the side, each element gain times the mean of a 2 x 2 square: u [B, C, H, W] with
 * even H and W -> [B, C, H/2, W/2]. */
PDESSM_API pdessm_tensor *pdessm_average_pool(pdessm_tape *tape, pdessm_tensor *u, double gain);

/* The first `height` rows and `width` columns of u [B, H, W, C], continued by zeros: padding and
 * cropping. */
PDESSM_API pdessm_tensor *pdessm_corner(pdessm_tape *tape, pdessm_tensor *u, int64_t height,
                                        int64_t width);

/* softmax(q k^T / sqrt(D)) v for each of `heads` heads of D = C / heads channels: qkv [B, N, 3C].
 */
PDESSM_API pdessm_tensor *pdessm_attention(pdessm_tape *tape, pdessm_tensor *qkv, int heads);

/* [B, Cin, Hi, Wi] -> [B, N, Cin p p], a patch flattened as (Cin, py, px). */
PDESSM_API pdessm_tensor *pdessm_patchify(pdessm_tape *tape, pdessm_tensor *image, int patch);
/* [B, N, p p Cout] -> [B, Cout, height, width], a token flattened as (py, px, Cout). */
PDESSM_API pdessm_tensor *pdessm_unpatchify(pdessm_tape *tape, pdessm_tensor *tokens, int patch,
                                            int64_t height, int64_t width);

/* [cos(1000 t f), sin(1000 t f)], f_q = 10000^(-q / 128): t [B] -> [B, 256]. */
PDESSM_API pdessm_tensor *pdessm_timestep_embedding(pdessm_tape *tape, pdessm_tensor *t);

/* a(t) = (2t - 1) / ((1 - t)^2 + t^2), the same in each of the `width` columns: t [B] -> [B,
 * width]. When data are standard normal, a(t) x_t is the mean of the velocity data - noise given
 * x_t = (1 - t) noise + t data: its covariance with x_t over the variance of x_t. */
PDESSM_API pdessm_tensor *pdessm_gaussian_gain(pdessm_tape *tape, pdessm_tensor *t, int64_t width);
/* table[index[b]]: table [rows, C], index int32 [B] -> [B, C]. */
PDESSM_API pdessm_tensor *pdessm_embedding(pdessm_tape *tape, pdessm_tensor *table,
                                           pdessm_tensor *index);

/* mean (prediction - target)^2 -> [1]. */
PDESSM_API pdessm_tensor *pdessm_mse_loss(pdessm_tape *tape, pdessm_tensor *prediction,
                                          pdessm_tensor *target);

/* The mean over samples of -sum_k q_k log softmax(logits)_k -> [1], q = 1 at the label but for the
 * share `smoothing` in [0, 1), which all classes have alike: logits [B, K], labels int32 [B]. A
 * sample whose label is not in [0, K) is not counted; without any the loss is 0. */
PDESSM_API pdessm_tensor *pdessm_cross_entropy(pdessm_tape *tape, pdessm_tensor *logits,
                                               pdessm_tensor *labels, double smoothing);

/* Mean over tokens: x [B, N, C] -> [B, C]. */
PDESSM_API pdessm_tensor *pdessm_mean_tokens(pdessm_tape *tape, pdessm_tensor *x);

/* x_t = (1 - t) noise + t data and v = data - noise: data, noise [B, ...], t [B]. */
PDESSM_API void pdessm_flow_path(pdessm_tape *tape, pdessm_tensor *data, pdessm_tensor *noise,
                                 pdessm_tensor *t, pdessm_tensor **ret_x_t, pdessm_tensor **ret_v);

/* A step of an invertible map: s = bound tanh(parts[0]), y = x exp(s) + parts[1], all elementwise,
 * or y = (x - parts[1]) exp(-s) with inverse 1, which undoes it: x [...], parts [2, ...]. The sum
 * of s is the logarithm of the map's determinant. bound > 0. */
PDESSM_API void pdessm_affine_coupling(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *parts,
                                       double bound, int inverse, pdessm_tensor **ret_y,
                                       pdessm_tensor **ret_s);

/* v_null + scale (v_y - v_null): v [2B, ...], the first half for the null class. */
PDESSM_API pdessm_tensor *pdessm_guide(pdessm_tape *tape, pdessm_tensor *v, double scale);

/* ------------------------------------------------------------------ graph networks */

/* x where x > 0, else slope x; slope 0 is ReLU. */
PDESSM_API pdessm_tensor *pdessm_relu(pdessm_tape *tape, pdessm_tensor *x, double slope);

/* Elements of x [N, C] are kept, times 1 / (1 - rate), where a uniform number in [0, 1) is at least
 * rate, else 0. The number depends on clock, int32 [3] = seed (low, high half) and step, on the
 * layer, the channel, and on node, int32 [N], by which rows are known in any selection of them.
 * rectify: of max(x, 0), and the backward pass needs nothing but the result. */
PDESSM_API pdessm_tensor *pdessm_dropout(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *node,
                                         pdessm_tensor *clock, double rate, int layer, int rectify);

/* weight (x - mean) / sqrt(variance + epsilon) + bias for each channel of x [N, C]. In training
 * mean and (biased) variance are those of the N rows, and running [2, C], mean and unbiased
 * variance, moves towards them by the share `momentum`; else running is used as is. */
PDESSM_API pdessm_tensor *pdessm_batch_norm(pdessm_tape *tape, pdessm_tensor *x,
                                            pdessm_tensor *weight, pdessm_tensor *bias,
                                            pdessm_tensor *running, int training, double momentum,
                                            double epsilon);

/* A symmetric pattern in compressed rows, int32: start [N + 1], column [E], reverse [E]. Edge e of
 * row i, start[i] <= e < start[i + 1], is (i, column[e]), and reverse[e] is edge (column[e], i). */
typedef struct pdessm_pattern {
    pdessm_tensor *start, *column, *reverse;
} pdessm_pattern;

/* y[i] = sum over the edges (i, j) of weight[edge] x[j]: x [N, C], weight [E], or [E, H] for H
 * blocks of C / H channels, or NULL for ones. */
PDESSM_API pdessm_tensor *pdessm_spmm(pdessm_tape *tape, const pdessm_pattern *pattern,
                                      pdessm_tensor *weight, pdessm_tensor *x);

/* A number for each head of each row: the dot product of its block of channels with the head's
 * vector, x [N, C], a [H, C / H] -> [N, H]. */
PDESSM_API pdessm_tensor *pdessm_head_dot(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *a);

/* Attention over edges: for each row i the softmax over its edges (i, j) of z where z > 0, else
 * slope z, with z = left[i] + right[j]: left, right [N, H] -> [E, H]. */
PDESSM_API pdessm_tensor *pdessm_edge_softmax(pdessm_tape *tape, const pdessm_pattern *pattern,
                                              pdessm_tensor *left, pdessm_tensor *right,
                                              double slope);

/* ------------------------------------------------------------------ test functions: research */

/* RESEARCH: the list may change between versions. Functions of a vector z of d numbers, each with
 * its least value 0 at z = 0: penalties, and those that global optimisers are tried on, moved there
 * from where the textbooks have it. */
#define PDESSM_LANDSCAPES(X)                                                                       \
    X(SQUARE, "square") /* sum z^2 */                                                              \
    X(LOG, "log")       /* sum log(1 + z^2 / width^2) */                                           \
    X(RATIO, "ratio")   /* sum z^2 / (z^2 + width^2) */                                            \
    X(ACKLEY, "ackley")                                                                            \
    X(RASTRIGIN, "rastrigin") /* sum z^2 + 10 - 10 cos(2 pi z) */                                  \
    X(GRIEWANK, "griewank")                                                                        \
    X(LEVY, "levy")                                                                                \
    X(ALPINE1, "alpine1")                 /* sum |z sin z + 0.1 z| */                              \
    X(STYBLINSKI_TANG, "styblinski-tang") /* least value taken off */                              \
    X(SCHWEFEL, "schwefel")               /* the same; a parabola outside of its box */
typedef enum pdessm_landscape_function {
#define X(id, name) PDESSM_LANDSCAPE_##id,
    PDESSM_LANDSCAPES(X)
#undef X
        PDESSM_LANDSCAPE_COUNT
} pdessm_landscape_function;
PDESSM_API const char *pdessm_landscape_function_name(pdessm_landscape_function value);
PDESSM_API pdessm_status pdessm_landscape_function_find(pdessm_context *ctx, const char *name,
                                                        pdessm_landscape_function *ret);

/* value [rows] = weight f(z) for each row z of x [rows, columns]; width > 0 matters to two. */
PDESSM_API pdessm_tensor *pdessm_landscape(pdessm_tape *tape, pdessm_tensor *x,
                                           pdessm_landscape_function function, double weight,
                                           double width);

#ifdef __cplusplus
}
#endif
#endif
