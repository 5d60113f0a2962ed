/* SPDX-License-Identifier: MIT */
/* flow_path.cl: x_t = (1 - t) noise + t data, v = data - noise. */

/* Elements of a work-item. */
#define SPAN (CPU_FORM ? 1024 : 1)

/* size: elements of a sample */
__kernel void flow_path_forward(READ(data), READ(noise), READ(t), WRITE(x_t), WRITE(v), int n,
                                int size) {
    long at = (long)get_global_id(0) * SPAN, end = min(at + SPAN, (long)n);
    while (at < end) {
        int c = 0, run = (int)min(end - at, size - at % size);
        float t = AT(t)[at / size];
        __global const float *data = AT(data) + at, *noise = AT(noise) + at;
        __global float *x_t = AT(x_t) + at, *v = AT(v) + at;
#if CPU_FORM
        for (; c + 16 <= run; c += 16) {
            float16 x = vload16(0, data + c), z = vload16(0, noise + c);
            vstore16((1.0f - t) * z + t * x, 0, x_t + c);
            vstore16(x - z, 0, v + c);
        }
#endif
        for (; c < run; c++) {
            float x = data[c], z = noise[c];
            x_t[c] = (1.0f - t) * z + t * x;
            v[c] = x - z;
        }
        at += run;
    }
}
