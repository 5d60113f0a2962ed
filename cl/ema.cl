/* SPDX-License-Identifier: MIT */
/* ema.cl: average = decay average + rest parameter; nothing changes after a bad step. */

__kernel void ema_forward(WRITE(average), READ(parameter), READ(state), int n, float decay,
                          float rest) {
    int i = (int)get_global_id(0);
    if (i >= n || AT(state)[2] == 0.0f)
        return;
    AT(average)[i] = decay * AT(average)[i] + rest * AT(parameter)[i];
}
