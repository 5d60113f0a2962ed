/* SPDX-License-Identifier: MIT */
/* flow_path.cl: x_t = (1 - t) noise + t data, v = data - noise; one element a work-item. */

/* size: elements of a sample */
__kernel void flow_path_forward(READ(data), READ(noise), READ(t), WRITE(x_t), WRITE(v), int n,
                                int size) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float t = AT(t)[i / size], x = AT(data)[i], z = AT(noise)[i];
    AT(x_t)[i] = (1.0f - t) * z + t * x;
    AT(v)[i] = x - z;
}
