/* SPDX-License-Identifier: MIT */
/* cross_entropy.cl: the mean over labelled samples of -sum_k q_k log softmax(logits)_k, q = (1 -
 * smoothing) [k = label] + smoothing / classes. Rows leave their losses in the scratch buffer, one
 * work-group adds them up. stats: log-sum-exp of a row, and its share in the loss. */

/* A row a work-item. */
__kernel void cross_entropy_rows(READ(logits), READ_INT(labels), UNUSED(loss), WRITE(stats),
                                 __global float *parts, int batch, int classes, float smoothing)
{
    int b = (int)get_global_id(0);
    if (b >= batch)
        return;
    __global const float *x = AT(logits) + (ulong)b * classes;
    float top = x[0], sum = 0.0f, mean = 0.0f;
    for (int k = 1; k < classes; k++)
        top = fmax(top, x[k]);
    for (int k = 0; k < classes; k++) {
        sum += exp(x[k] - top);
        mean += (x[k] - top) / (float)classes;
    }
    int label = AT(labels)[b];
    int labelled = label >= 0 && label < classes;
    AT(stats)[2 * b] = top + log(sum);
    parts[b] = !labelled ? 0.0f
                         : log(sum) - (1.0f - smoothing) * (x[label] - top) - smoothing * mean;
}

/* One work-group of a power of two, 256 at most. */
__kernel void cross_entropy_total(UNUSED(logits), READ_INT(labels), WRITE(loss), WRITE(stats),
                                  __global const float *parts, int batch, int classes,
                                  float smoothing)
{
    __local float loss[256];
    __local int counted[256];
    int i = (int)get_local_id(0), size = (int)get_local_size(0), n = 0;
    float sum = 0.0f;
    for (int b = i; b < batch; b += size) {
        int label = AT(labels)[b];
        sum += parts[b];
        n += label >= 0 && label < classes;
    }
    loss[i] = sum;
    counted[i] = n;
    for (int rest = size / 2; rest > 0; rest /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < rest) {
            loss[i] += loss[i + rest];
            counted[i] += counted[i + rest];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float share = counted[0] ? 1.0f / (float)counted[0] : 0.0f;
    if (i == 0)
        AT(loss)[0] = loss[0] * share;
    for (int b = i; b < batch; b += size) {
        int label = AT(labels)[b];
        AT(stats)[2 * b + 1] = label >= 0 && label < classes ? share : 0.0f;
    }
}

__kernel void cross_entropy_backward(READ(logits), READ_INT(labels), UNUSED(loss), READ(stats),
                                     WRITE(dlogits), READ(dloss), uint accumulate, int n,
                                     int classes, float smoothing)
{
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int b = i / classes, k = i % classes;
    float q = smoothing / (float)classes + (k == AT(labels)[b] ? 1.0f - smoothing : 0.0f);
    float d = exp(AT(logits)[i] - AT(stats)[2 * b]) - q;
    PUT(AT(dlogits)[i], AT(stats)[2 * b + 1] * AT(dloss)[0] * d, ADDS(0));
}
