/* SPDX-License-Identifier: MIT */
/* cdr_coefficients.cl: K = L L^T + eps I, b = b_max tanh(beta), r = -softplus(rho); one state of
 * one channel a work-item. Results are in units of a domain, as b_max already is; area is that of
 * the image in these units. */

/* sqrt(2 eps) = 0.1/16: a blur of a tenth of a token */
#define EPS (0.00625f * 0.00625f / 2)

static inline float softplus(float x) { return fmax(x, 0.0f) + log1p(exp(-fabs(x))); }

/* Its slope; symmetric in form so that neither tail loses digits. */
static inline float softplus_slope(float x) {
    float e = exp(-fabs(x));
    return (x > 0 ? 1.0f : e) / (1.0f + e);
}

__kernel void cdr_coefficients_forward(READ(raw_diffusion), READ(raw_convection),
                                       READ(raw_reaction), WRITE(diffusion), WRITE(convection),
                                       WRITE(reaction), int n, float b_max, float area) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float3 l = vload3(i, AT(raw_diffusion));
    float p = softplus(l.x), q = softplus(l.z);
    float3 k = (float3)(p * p + EPS, p * l.y, l.y * l.y + q * q + EPS);
    vstore3(area * k, i, AT(diffusion));
    float2 beta = (float2)(AT(raw_convection)[2 * i], AT(raw_convection)[2 * i + 1]);
    AT(convection)[2 * i] = b_max * tanh(beta.x);
    AT(convection)[2 * i + 1] = b_max * tanh(beta.y);
    AT(reaction)[i] = -softplus(AT(raw_reaction)[i]);
}

static inline float convection_slope(float beta, float b_max) {
    float s = 1.0f / cosh(beta); /* 1 - tanh^2 would cancel */
    return b_max * s * s;
}

__kernel void cdr_coefficients_backward(READ(raw_diffusion), READ(raw_convection),
                                        READ(raw_reaction), UNUSED(diffusion), UNUSED(convection),
                                        UNUSED(reaction), WRITE(draw_diffusion),
                                        WRITE(draw_convection), WRITE(draw_reaction),
                                        READ(ddiffusion), READ(dconvection), READ(dreaction),
                                        uint accumulate, int n, float b_max, float area) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    if (GIVEN(draw_diffusion)) {
        float3 l = vload3(i, AT(raw_diffusion)), dk = area * vload3(i, AT(ddiffusion));
        float p = softplus(l.x), q = softplus(l.z);
        __global float *to = AT(draw_diffusion) + 3 * i;
        PUT(to[0], (2 * p * dk.x + l.y * dk.y) * softplus_slope(l.x), ADDS(0));
        PUT(to[1], p * dk.y + 2 * l.y * dk.z, ADDS(0));
        PUT(to[2], 2 * q * dk.z * softplus_slope(l.z), ADDS(0));
    }
    if (GIVEN(draw_convection))
        for (int j = 2 * i; j < 2 * i + 2; j++)
            PUT(AT(draw_convection)[j],
                AT(dconvection)[j] * convection_slope(AT(raw_convection)[j], b_max), ADDS(1));
    if (GIVEN(draw_reaction))
        PUT(AT(draw_reaction)[i], -AT(dreaction)[i] * softplus_slope(AT(raw_reaction)[i]),
            ADDS(2));
}
