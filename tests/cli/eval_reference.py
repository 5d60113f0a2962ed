# SPDX-License-Identifier: MIT
# eval_reference.py: the metrics of `eval` once more, in float64 NumPy, written from their definitions and
# by other ways than the program's: brute force over all pairs, NumPy's FFT, singular values, quantiles.
import numpy

# Purposes and streams of the counter-based random numbers (flow-matching's Philox 4x32-10).
METRIC, VALIDATE = 10, 9
HALVES, CHOICE, BANDWIDTH, DIRECTIONS, TIMES = range(5)


def philox(seed, purpose, step, sample, block):
    """Words [.., 4] of the counters (purpose, step, sample, block); arguments broadcast."""
    mask = numpy.uint64(0xffffffff)
    c = [numpy.asarray(v, numpy.uint64)
         for v in numpy.broadcast_arrays(purpose, step, sample, block)]
    key = [numpy.uint64(seed & 0xffffffff), numpy.uint64(seed >> 32)]
    for _ in range(10):
        a, b = c[0] * numpy.uint64(0xd2511f53), c[2] * numpy.uint64(0xcd9e8d57)
        high, low = numpy.uint64(32), mask
        c = [(b >> high) ^ c[1] ^ key[0], b & low, (a >> high) ^ c[3] ^ key[1], a & low]
        key = [(key[0] + numpy.uint64(0x9e3779b9)) & mask, (key[1] + numpy.uint64(0xbb67ae85)) & mask]
    return numpy.stack(c, -1)


def uniform(seed, purpose, step, sample):
    return (philox(seed, purpose, step, sample, 0)[..., 0] >> numpy.uint64(8)) * 2.0**-24


def normal(seed, purpose, step, samples, count):
    """[samples, count] normal numbers, Box-Muller on pairs of words."""
    blocks = numpy.arange((count + 3) // 4)
    words = philox(seed, purpose, step, numpy.asarray(samples)[:, None], blocks[None])
    upper = (words >> numpy.uint64(8)).astype(float)
    radius = numpy.sqrt(-2 * numpy.log((upper[..., 0::2] + 1) * 2.0**-24))
    angle = 2 * numpy.pi * upper[..., 1::2] * 2.0**-24
    pairs = numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], -1)
    return pairs.reshape(len(words), -1)[:, :count]


def order(seed, stream, n):
    """0 .. n - 1 shuffled from the end (Fisher, Yates)."""
    result = list(range(n))
    for i in range(n - 1, 0, -1):
        words = philox(seed, METRIC, stream, 0, i // 2)[2 * (i % 2):2 * (i % 2) + 2]
        k = ((int(words[1]) << 32) + int(words[0])) * (i + 1) >> 64
        result[i], result[k] = result[k], result[i]
    return result


def frechet(x, r):
    """The trace of the root is the sum of the singular values of A^T B, for covariances A A^T, B B^T."""
    a, b = ((v - v.mean(0)) / numpy.sqrt(len(v) - 1) for v in (x, r))
    shift = x.mean(0) - r.mean(0)
    return shift @ shift + (a**2).sum() + (b**2).sum() - 2 * numpy.linalg.svd(a @ b.T)[1].sum()


def squared_distances(x, y):
    return ((x[:, None] - y[None])**2).sum(-1)


def bandwidth(r, seed):
    chosen = r[order(seed, BANDWIDTH, len(r))[:1000]]
    return numpy.sqrt(numpy.median(squared_distances(chosen, chosen)[numpy.triu_indices(len(chosen), 1)]))


def mmd(x, r, seed):
    sigma = bandwidth(r, seed)

    def mean(a, b, same):
        kernel = numpy.exp(-squared_distances(a, b) / (2 * sigma**2))
        return (kernel.sum() - len(a) * same) / (len(a) * (len(b) - same))
    return mean(x, x, 1) + mean(r, r, 1) - 2 * mean(x, r, 0)


def coverage(x, r, k=5):
    """Share of x within reach of r: precision; with arguments exchanged: recall."""
    reach = numpy.sort(squared_distances(r, r), 1)[:, k]
    return (squared_distances(x, r) <= reach[None]).any(1).mean()


def sliced_wasserstein(x, r, seed, directions=512):
    theta = normal(seed, METRIC, DIRECTIONS, range(directions), x.shape[1])
    theta /= numpy.linalg.norm(theta, axis=1, keepdims=True)
    # Both as equally many quantiles: each number as often as the other set has numbers.
    a = numpy.repeat(numpy.sort(x @ theta.T, 0), len(r), 0)
    b = numpy.repeat(numpy.sort(r @ theta.T, 0), len(x), 0)
    return numpy.sqrt(((a - b)**2).mean())


def spectrum(images):
    """images [n, channels, h, w]."""
    h, w = images.shape[2:]
    power = (numpy.abs(numpy.fft.fft2(images))**2).mean((0, 1)) / (h * w)**2
    my, mx = numpy.meshgrid(numpy.fft.fftfreq(h, 1 / h), numpy.fft.fftfreq(w, 1 / w), indexing="ij")
    ring = numpy.floor(numpy.hypot(my, mx) + 0.5).astype(int)
    return numpy.array([power[ring == i].mean() for i in range(min(h, w) // 2 + 1)])


def spectrum_error(x, r):
    return numpy.sqrt((numpy.log10(spectrum(x) / spectrum(r))[1:]**2).mean())


def recovery(directions, x, r, share=0.25):
    """Ratio of sums, median of ratios."""
    vectors = numpy.linalg.eigh(numpy.cov(directions.T))[1][:, :max(1, int(share * x.shape[1]))]
    a, b = (x @ vectors).var(0, ddof=1), (r @ vectors).var(0, ddof=1)
    return a.sum() / b.sum(), numpy.median(a / b)


def flat(images):
    return images.reshape(len(images), -1)


def compare(x, r, seed, features=flat):
    """Everything, for images [n, channels, h, w]."""
    a, b = features(x), features(r)
    return {"frechet": frechet(a, b), "mmd": mmd(a, b, seed), "precision": coverage(a, b),
            "recall": coverage(b, a),
            "sliced_wasserstein": sliced_wasserstein(flat(x), flat(r), seed),
            "spectrum_error": spectrum_error(x, r)}


def features_of_embedding(images, weight, bias):
    """A classifier whose blocks change nothing: patches [n, C, p, p] times weight [width, C, p, p], plus
    positions; layer norm; mean over tokens."""
    width, _, p, _ = weight.shape
    n, channels, h, w = images.shape
    patches = images.reshape(n, channels, h // p, p, w // p, p).transpose(0, 2, 4, 1, 3, 5)
    tokens = patches.reshape(n, h // p, w // p, -1) @ weight.reshape(width, -1).T + bias
    frequency = 10000.0**(-numpy.arange(width // 4) / (width // 4))
    down, across = (numpy.arange(k)[:, None] * frequency for k in (h // p, w // p))
    tokens[..., :width // 4] += numpy.sin(across)
    tokens[..., width // 4:width // 2] += numpy.cos(across)
    tokens[..., width // 2:3 * width // 4] += numpy.sin(down)[:, None]
    tokens[..., 3 * width // 4:] += numpy.cos(down)[:, None]
    tokens -= tokens.mean(-1, keepdims=True)
    tokens /= numpy.sqrt((tokens**2).mean(-1, keepdims=True) + 1e-6)
    return tokens.mean((1, 2))


def halves(x, r, seed):
    """As many samples as a half of the reference, and the halves."""
    half = min(len(r) // 2, len(x))
    places = order(seed, HALVES, len(r))
    return x[order(seed, CHOICE, len(x))[:half]], r[places[:half]], r[places[half:2 * half]]
