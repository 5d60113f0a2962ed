/* SPDX-License-Identifier: MIT */
/* adamw.cl: Adam with decoupled weight decay; nothing changes after a bad step. */

/* rest: 1 - beta; rate and root carry the bias correction; keep = 1 - rate decay */
__kernel void adamw_forward(WRITE(parameter), READ(gradient), WRITE(m), WRITE(v), READ(state),
                            int n, float beta1, float rest1, float beta2, float rest2, float rate,
                            float root, float epsilon, float keep) {
    int i = (int)get_global_id(0);
    if (i >= n || AT(state)[2] == 0.0f)
        return;
    float d = AT(gradient)[i] * AT(state)[1];
    float m = beta1 * AT(m)[i] + rest1 * d;
    float v = beta2 * AT(v)[i] + rest2 * d * d;
    AT(m)[i] = m;
    AT(v)[i] = v;
    AT(parameter)[i] = AT(parameter)[i] * keep - rate * m / (sqrt(v) * root + epsilon);
}
