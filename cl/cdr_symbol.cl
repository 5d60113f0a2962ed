/* SPDX-License-Identifier: MIT */
/* cdr_symbol.cl: G = D + sum_n w_n E_n, E = exp(l) or phi1(l),
 *     l = -(kyy ky^2 + 2 kxy ~ky ~kx + kxx kx^2) + r + i (by ~ky + bx ~kx),  k = 2 pi m,
 * with ~k = 0 on Nyquist lines. Channels are the fastest index, so that neighbours share lines. */

#define TAU 6.28318530718f

typedef struct {
    float my, mx, my_odd, mx_odd; /* integer wavenumbers; odd: with the Nyquist rule */
} mode;

static inline mode mode_at(int y, int x, int height, int width) {
    mode m;
    m.my = (float)(2 * y < height ? y : y - height);
    m.mx = (float)(2 * x < width ? x : x - width);
    m.my_odd = 2 * y == height ? 0.0f : m.my;
    m.mx_odd = 2 * x == width ? 0.0f : m.mx;
    return m;
}

static inline float2 multiply(float2 a, float2 b) {
    return (float2)(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

/* b m in whole turns, less the nearest whole number. b is cut so that both products are exact
 * (|m| < 4096): what the many turns of a high mode drop costs no digits. */
static inline float turns(float b, float m) {
    float high = as_float(as_int(b) & ~0xfff), product = high * m;
    return (product - rint(product)) + (b - high) * m;
}

typedef struct {
    float kyy, kxy, kxx, by, bx, r;
} term;

static inline float2 log_symbol(const term *t, mode m) {
    float real = t->r - TAU * TAU * (t->kyy * m.my * m.my + 2 * t->kxy * m.my_odd * m.mx_odd +
                                     t->kxx * m.mx * m.mx);
    return (float2)(real, TAU * (t->by * m.my_odd + t->bx * m.mx_odd));
}

/* exp(l); its phase is not taken from l, whose imaginary part has lost digits where it is large. */
static inline float2 evolve(const term *t, mode m, float2 l) {
    float phase = turns(t->by, m.my_odd) + turns(t->bx, m.mx_odd);
    return exp(l.x) * (float2)(cospi(2 * phase), sinpi(2 * phase));
}

/* sum over k <= 8 of l^k/(k+1)!, or of (k+1) l^k/(k+2)!; |l| <= 1/2. */
static inline float2 series(float2 l, int slope) {
    float2 sum = (float2)(0, 0);
    float factorial = slope ? 3628800.0f : 362880.0f;
    for (int k = 8; k >= 0; k--) {
        sum = multiply(sum, l);
        sum.x += (slope ? (float)(k + 1) : 1.0f) / factorial;
        factorial /= (float)(slope ? k + 2 : k + 1);
    }
    return sum;
}

/* phi1(l) = (e - 1)/l and its slope (e - phi1)/l, e = exp(l). */
static inline float2 phi1(float2 l, float2 e) {
    float square = dot(l, l);
    float2 conjugate = (float2)(l.x, -l.y);
    return square < 0.25f ? series(l, 0)
                          : multiply(e - (float2)(1, 0), conjugate) / square;
}

static inline float2 phi1_slope(float2 l, float2 e, float2 phi) {
    float square = dot(l, l);
    float2 conjugate = (float2)(l.x, -l.y);
    return square < 0.25f ? series(l, 1) : multiply(e - phi, conjugate) / square;
}

static inline term load_term(__global const float *diffusion, __global const float *convection,
                      __global const float *reaction, int at) {
    term t;
    t.kyy = diffusion[3 * at];
    t.kxy = diffusion[3 * at + 1];
    t.kxx = diffusion[3 * at + 2];
    t.by = convection[2 * at];
    t.bx = convection[2 * at + 1];
    t.r = reaction[at];
    return t;
}

__kernel void cdr_symbol_forward(READ(diffusion), READ(convection), READ(reaction), READ(weight),
                                 READ(skip), WRITE(symbol), int channels, int terms, int height,
                                 int width, int forced) {
    int c = (int)get_global_id(0), k = (int)get_global_id(1), half_width = width / 2 + 1;
    if (c >= channels || k >= height * half_width)
        return;
    mode m = mode_at(k / half_width, k % half_width, height, width);
    float2 g = (float2)(AT(skip)[c], 0);
    for (int at = c * terms; at < (c + 1) * terms; at++) {
        term t = load_term(AT(diffusion), AT(convection), AT(reaction), at);
        float2 l = log_symbol(&t, m), e = evolve(&t, m, l);
        g += AT(weight)[at] * (forced ? phi1(l, e) : e);
    }
    size_t to = ((size_t)k * channels + c) * 2;
    AT(symbol)[to] = g.x;
    AT(symbol)[to + 1] = g.y;
}

__kernel void cdr_symbol_backward(READ(diffusion), READ(convection), READ(reaction), READ(weight),
                                  READ(skip), UNUSED(symbol), WRITE(ddiffusion),
                                  WRITE(dconvection), WRITE(dreaction), WRITE(dweight),
                                  WRITE(dskip), READ(dsymbol), uint accumulate, int channels,
                                  int terms, int height, int width, int forced) {
    int c = (int)get_global_id(0), n = (int)get_global_id(1), half_width = width / 2 + 1;
    if (c >= channels || n >= terms)
        return;
    int at = c * terms + n;
    term t = load_term(AT(diffusion), AT(convection), AT(reaction), at);
    float kyy = 0, kxy = 0, kxx = 0, by = 0, bx = 0, r = 0, w = 0, d = 0;
    for (int y = 0; y < height; y++) {
        /* sums over a row of P = w E' dG, without the w, and of P times wavenumbers */
        float2 zeroth = (float2)(0, 0), first = zeroth;
        float second = 0, own = 0, whole = 0;
        mode m = mode_at(y, 0, height, width);
        for (int x = 0; x < half_width; x++) {
            m = mode_at(y, x, height, width);
            size_t from = (((size_t)y * half_width + x) * channels + c) * 2;
            float2 g = (float2)(AT(dsymbol)[from], -AT(dsymbol)[from + 1]);
            float2 l = log_symbol(&t, m), e = evolve(&t, m, l), slope = e;
            if (forced) {
                float2 phi = phi1(l, e);
                slope = phi1_slope(l, e, phi);
                e = phi;
            }
            float2 p = multiply(slope, g);
            zeroth += p;
            first += m.mx_odd * p;
            second += m.mx * m.mx * p.x;
            own += multiply(e, g).x;
            whole += g.x;
        }
        kyy -= m.my * m.my * zeroth.x;
        kxy -= 2 * m.my_odd * first.x;
        kxx -= second;
        by -= m.my_odd * zeroth.y;
        bx -= first.y;
        r += zeroth.x;
        w += own;
        d += whole;
    }
    float weight = AT(weight)[at], square = TAU * TAU * weight;
    if (GIVEN(ddiffusion)) {
        PUT(AT(ddiffusion)[3 * at], kyy * square, ADDS(0));
        PUT(AT(ddiffusion)[3 * at + 1], kxy * square, ADDS(0));
        PUT(AT(ddiffusion)[3 * at + 2], kxx * square, ADDS(0));
    }
    if (GIVEN(dconvection)) {
        PUT(AT(dconvection)[2 * at], by * TAU * weight, ADDS(1));
        PUT(AT(dconvection)[2 * at + 1], bx * TAU * weight, ADDS(1));
    }
    if (GIVEN(dreaction))
        PUT(AT(dreaction)[at], r * weight, ADDS(2));
    if (GIVEN(dweight))
        PUT(AT(dweight)[at], w, ADDS(3));
    if (GIVEN(dskip) && n == 0)
        PUT(AT(dskip)[c], d, ADDS(4));
}
