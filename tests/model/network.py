# SPDX-License-Identifier: MIT
# network.py: the diffusion transformer with every mixer, written from its specification alone, in
# double, on full spectra, term by term: slow and plain, so that it can be compared with.
import numpy as np

import autodiff as ad

B_MAX_DEFAULT = 0.25
EPSILON = (0.1 / 16) ** 2 / 2  # the least diffusion


class Network:
    """parameters: name -> autodiff.Var."""

    def __init__(self, config, parameters):
        self.c = config
        self.p = parameters

    def linear(self, x, name):
        return x @ self.p[name + ".weight"].transpose(1, 0) + self.p[name + ".bias"]

    # -------------------------------------------------------------- the equation

    def physical(self, block):
        """K (yy, yx, xx), b (y, x) and r, each [channels, states]."""
        raw = "blocks.%d.mixer.pde." % block
        l = self.p[raw + "diffusion"]
        l0, l1, l2 = ad.softplus(l[..., 0]), l[..., 1], ad.softplus(l[..., 2])
        k = (l0 * l0 + EPSILON, l1 * l0, l1 * l1 + l2 * l2 + EPSILON)
        none = ad.var(np.zeros(l.shape[:2]))
        b = none, none
        if not self.c["no_convection"]:
            b = ad.tanh(self.p[raw + "convection"]) * self.c.get("b_max", B_MAX_DEFAULT)
            b = b[..., 0], b[..., 1]
        r = -ad.softplus(self.p[raw + "reaction"]) if not self.c["no_reaction"] else none
        return k, b, r

    def symbol(self, block, height, width, side=1):
        """G on all modes: [height, width, channels], of a domain of `side` images."""
        def wavenumbers(n):
            m = np.fft.fftfreq(n, 1 / n)
            odd = m.copy()
            if n % 2 == 0:
                odd[n // 2] = 0  # the mode that has no partner of opposite sign
            return 2 * np.pi * m / side, 2 * np.pi * odd / side

        ky, odd_y = (a.reshape(-1, 1, 1, 1) for a in wavenumbers(height))
        kx, odd_x = (a.reshape(1, -1, 1, 1) for a in wavenumbers(width))
        (kyy, kyx, kxx), (by, bx), r = self.physical(block)
        decay = -(kyy * ky**2 + kyx * (2 * odd_y * odd_x) + kxx * kx**2) + r
        lam = decay + (by * odd_y + bx * odd_x) * 1j
        e = ad.phi1(lam) if self.c["solution"] == "forced" else ad.exp(lam)
        raw = "blocks.%d.mixer.pde." % block
        g = (self.p[raw + "weight"] * e).sum(-1)
        return g + self.p[raw + "skip"] if not self.c["no_skip"] else g

    # -------------------------------------------------------------- mixers, [B, N, C] -> [B, N, C]

    def convolve(self, u, symbol):
        """u [B, H, W, E] by a symbol on all modes."""
        return ad.real(ad.ifft2(ad.fft2(u, (1, 2)) * symbol, (1, 2)))

    def pde(self, block, u):
        height, width = u.shape[1:3]
        if self.c["padding"] == "periodic":
            return self.convolve(u, self.symbol(block, height, width))
        wide = ad.pad(u, ((0, 0), (0, height), (0, width), (0, 0)))
        y = self.convolve(wide, self.symbol(block, 2 * height, 2 * width, 2))
        return y[:, :height, :width]

    def filter(self, block, u):
        """The half spectrum is made whole by G(-k) = conj G(k). A mode of columns 0 and W/2 has its
        partner in the same column, so there the average of both counts, as in a real transform."""
        half = self.p["blocks.%d.mixer.filter.symbol" % block]
        height, width = u.shape[1:3]
        g = half[..., 0] + half[..., 1] * 1j
        down, across = -np.arange(height) % height, -np.arange(width) % width
        inside = np.arange(width) <= width // 2
        own = inside * (np.arange(width) != across)
        both = 0.5 * (np.arange(width) == across)
        columns = np.where(inside, np.arange(width), across)
        straight, mirrored = g[:, columns], ad.conj(g[down][:, columns])
        return self.convolve(u, straight * (own + both)[:, None] +
                             mirrored * (1.0 - own - both)[:, None])

    def conv(self, block, u):
        return self.window(u, "blocks.%d.mixer.conv" % block)

    def window(self, u, name):
        """3 x 3 around every token, zero outside of the grid."""
        batch, height, width, channels = u.shape
        wide = ad.pad(u, ((0, 0), (1, 1), (1, 1), (0, 0)))
        weight = self.p[name + ".weight"]
        return self.p[name + ".bias"] + sum(
            wide[:, i:i + height, j:j + width] * weight[:, i, j]
            for i in range(3) for j in range(3))

    def gated_mixer(self, block, h, height, width):
        name = "blocks.%d.mixer." % block
        operator = getattr(self, self.c["mixer"])
        az = self.linear(h, name + "in_proj")
        batch, tokens, inner = az.shape[0], az.shape[1], self.c["expand"] * self.c["width"]
        u = az[..., :inner].reshape(batch, height, width, inner)
        if self.c["local"] == "conv3x3":
            u = self.window(u, name + "local")
        y = operator(block, u).reshape(batch, tokens, inner)
        if not self.c["no_gate"]:
            y = y * ad.silu(az[..., inner:])
        return self.linear(y, name + "out_proj")

    def attention_mixer(self, block, h, height, width):
        name = "blocks.%d.attn." % block
        batch, tokens, channels = h.shape
        heads = self.c["heads"]
        qkv = self.linear(h, name + "qkv").reshape(batch, tokens, 3, heads, channels // heads)
        q, k, v = (qkv[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        score = (q @ k.transpose(0, 1, 3, 2)) * (channels // heads) ** -0.5
        e = ad.exp(score - score.value.max(-1, keepdims=True))
        share = e * ad.reciprocal(e.sum(-1).reshape(batch, heads, tokens, 1))
        y = (share @ v).transpose(0, 2, 1, 3).reshape(batch, tokens, channels)
        return self.linear(y, name + "proj")

    # -------------------------------------------------------------- the transformer around them

    def layer_norm(self, x, shift, scale):
        n = x.shape[-1]
        centred = x - x.sum(-1).reshape(*x.shape[:-1], 1) * (1 / n)
        variance = (centred * centred).sum(-1).reshape(*x.shape[:-1], 1) * (1 / n)
        normal = centred * ad.rsqrt(variance + 1e-6)
        rows = (shift.shape[0], 1, n)
        return normal * (scale.reshape(*rows) + 1.0) + shift.reshape(*rows)

    def gelu(self, x):
        return x * 0.5 * (ad.tanh((x + x * x * x * 0.044715) * np.sqrt(2 / np.pi)) + 1.0)

    def positions(self, height, width):
        channels, (rows, columns) = self.c["width"], self.c["reference_grid"]
        w = 10000.0 ** (-np.arange(channels // 4) / (channels // 4))
        i = np.arange(height)[:, None, None] * rows / height * w + np.zeros((1, width, 1))
        j = np.arange(width)[None, :, None] * columns / width * w + np.zeros((height, 1, 1))
        pos = np.concatenate([np.sin(j), np.cos(j), np.sin(i), np.cos(i)], -1)
        return pos.reshape(height * width, channels)

    def condition(self, t, y):
        f = 10000.0 ** (-np.arange(128) / 128)
        angle = 1000 * t[:, None] * f
        e = ad.var(np.concatenate([np.cos(angle), np.sin(angle)], -1))
        time = self.linear(ad.silu(self.linear(e, "t_embedder.mlp.0")), "t_embedder.mlp.2")
        return time + self.p["y_embedder.embedding_table.weight"][y]

    def block(self, i, x, c, height, width):
        depth, n = self.c["depth"], self.c["attention_layers"]
        middles = [int((k + 0.5) * depth / n) for k in range(n)]  # of n equal parts of the depth
        attention = self.c["mixer"] == "attention" or i in middles
        mixer = self.attention_mixer if attention else self.gated_mixer
        n = self.c["width"]
        m = self.linear(ad.silu(c), "blocks.%d.adaLN_modulation.1" % i)
        s1, a1, g1, s2, a2, g2 = (m[:, k * n:(k + 1) * n] for k in range(6))
        rows = (m.shape[0], 1, n)
        x = x + g1.reshape(*rows) * mixer(i, self.layer_norm(x, s1, a1), height, width)
        h = self.gelu(self.linear(self.layer_norm(x, s2, a2), "blocks.%d.mlp.fc1" % i))
        return x + g2.reshape(*rows) * self.linear(h, "blocks.%d.mlp.fc2" % i)

    def embed(self, image):
        batch, channels, rows, columns = image.shape
        p, n = self.c["patch"], self.c["width"]
        height, width = rows // p, columns // p
        patches = image.reshape(batch, channels, height, p, width, p).transpose(0, 2, 4, 1, 3, 5)
        weight = self.p["x_embedder.proj.weight"].reshape(n, channels * p * p)
        return (ad.var(patches.reshape(batch, height * width, channels * p * p)) @
                weight.transpose(1, 0) + self.p["x_embedder.proj.bias"] +
                self.positions(height, width))

    def blocks(self, image, c):
        height, width = (side // self.c["patch"] for side in image.shape[2:])
        x = self.embed(image)
        for i in range(self.c["depth"]):
            x = self.block(i, x, c, height, width)
        return x

    def classify(self, image):
        """image [B, channels, Hi, Wi] -> logits [B, classes], features [B, C]."""
        n = self.c["width"]
        x = self.blocks(image, self.p["condition"].reshape(1, n))
        still = ad.var(np.zeros((1, n)))
        features = self.layer_norm(x, still, still).sum(1) * (1 / x.shape[1])
        return self.linear(features, "classifier"), features

    def cross_entropy(self, logits, y, smoothing):
        """Over the samples whose y is a class."""
        classes = logits.shape[1]
        e = ad.exp(logits - logits.value.max(-1, keepdims=True))
        share = e * ad.reciprocal(e.sum(-1).reshape(-1, 1))
        q = (np.arange(classes) == y[:, None]) * (1 - smoothing) + smoothing / classes
        counted = (y >= 0) & (y < classes)
        return (ad.log(share) * (q * counted[:, None])).sum((0, 1)) * (-1 / counted.sum())

    def velocity(self, image, t, y):
        """image [B, channels, Hi, Wi], t [B], y [B] -> Var [B, channels, Hi, Wi]."""
        batch, channels, rows, columns = image.shape
        p, n = self.c["patch"], self.c["width"]
        height, width = rows // p, columns // p
        c = self.condition(t, y)
        x = self.blocks(image, c)
        m = self.linear(ad.silu(c), "final_layer.adaLN_modulation.1")
        out = self.linear(self.layer_norm(x, m[:, :n], m[:, n:]), "final_layer.linear")
        out = out.reshape(batch, height, width, p, p, channels).transpose(0, 5, 1, 3, 2, 4)
        out = out.reshape(batch, channels, rows, columns)
        if self.c["prior"] == "gaussian":  # Cov(data - noise, x_t) / Var(x_t) of standard normal data
            gain = (t - (1 - t)) / (t ** 2 + (1 - t) ** 2)
            out = out + gain[:, None, None, None] * image
        return out

    def loss(self, v, target):
        d = v - target
        return (d * d).sum(tuple(range(4))) * (1 / target.size)
