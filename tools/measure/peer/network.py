# SPDX-License-Identifier: MIT
# network.py: the diffusion transformer in PyTorch, with either mixer, as somebody who knows PyTorch
# would write it for speed. It loads the checkpoints of pdessm-cl; agree.py shows that both compute
# the same. B images, N = H W tokens, C channels, E channels inside of the mixer, S states.
import json
import math

import safetensors
import torch
from torch import nn
from torch.nn import functional as F

EPSILON = (0.1 / 16) ** 2 / 2  # the least diffusion
DEFAULT_B_MAX = 0.25


def wavenumbers(n, half):
    """2 pi m in the order of the transform, and the same with 0 at the Nyquist mode."""
    m = torch.fft.rfftfreq(n, 1 / n) if half else torch.fft.fftfreq(n, 1 / n)
    odd = m.clone()
    if n % 2 == 0:
        odd[n // 2] = 0
    return 2 * math.pi * m, 2 * math.pi * odd


def mode_basis(height, width):
    """[3, modes] of the even part and [2, modes] of the odd part: two small matrix products turn
    coefficients into exponents at all modes."""
    (ky, odd_y), (kx, odd_x) = wavenumbers(height, False), wavenumbers(width, True)
    ones = torch.ones(height, width // 2 + 1)
    even = torch.stack([ky[:, None] ** 2 * ones, 2 * odd_y[:, None] * odd_x, kx**2 * ones])
    odd = torch.stack([odd_y[:, None] * ones, odd_x * ones])
    return even.flatten(1), odd.flatten(1)


class Pde(nn.Module):
    """The raw coefficients and the symbol G that they mean."""

    def __init__(self, channels, states, solution, b_max):
        super().__init__()
        self.diffusion = nn.Parameter(torch.zeros(channels, states, 3))
        self.convection = nn.Parameter(torch.zeros(channels, states, 2))
        self.reaction = nn.Parameter(torch.zeros(channels, states))
        self.weight = nn.Parameter(torch.zeros(channels, states))
        self.skip = nn.Parameter(torch.ones(channels))
        self.solution, self.b_max = solution, b_max
        self.grid = None

    def basis(self, height, width):
        if self.grid != (height, width):
            self.grid = height, width
            self.even, self.odd = (b.to(self.skip.device) for b in mode_basis(height, width))
        return self.even, self.odd

    def forward(self, height, width):
        """[E, H, W/2 + 1], complex."""
        even, odd = self.basis(height, width)
        l0, l1, l2 = self.diffusion.unbind(-1)
        l0, l2 = F.softplus(l0), F.softplus(l2)
        k = torch.stack([l0 * l0 + EPSILON, l1 * l0, l1 * l1 + l2 * l2 + EPSILON], -1)
        decay = -(k @ even) - F.softplus(self.reaction)[..., None]  # [E, S, modes]
        phase = (self.b_max * torch.tanh(self.convection)) @ odd
        if self.solution == "forced":
            e = phi1(torch.complex(decay, phase))
            real, imaginary = e.real, e.imag
        else:
            size = torch.exp(decay)
            real, imaginary = size * torch.cos(phase), size * torch.sin(phase)
        mix = self.weight[:, None, :]  # [E, 1, S]
        real = (mix @ real)[:, 0] + self.skip[:, None]
        return torch.complex(real, (mix @ imaginary)[:, 0]).unflatten(1, (height, width // 2 + 1))


def phi1(x):
    """(e^x - 1) / x; by its series near 0, where the quotient loses its digits."""
    near = x.abs() < 0.1
    safe = torch.where(near, torch.ones_like(x), x)
    series = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6))))
    return torch.where(near, series, (torch.exp(safe) - 1) / safe)


def filter_channels_first(u, symbol):
    """u [B, H, W, E] -> [B, H, W, E] by transforms over the last axes of [B, E, H, W]."""
    height, width = u.shape[1:3]
    y = torch.fft.irfft2(torch.fft.rfft2(u.permute(0, 3, 1, 2).contiguous()) * symbol,
                         s=(height, width))
    return y.permute(0, 2, 3, 1)


def filter_channels_last(u, symbol):
    """The same without moving u: transforms over axes 1 and 2."""
    height, width = u.shape[1:3]
    modes = torch.fft.rfft2(u, dim=(1, 2)) * symbol.permute(1, 2, 0)
    return torch.fft.irfft2(modes, s=(height, width), dim=(1, 2))


FILTERS = {"channels_first": filter_channels_first, "channels_last": filter_channels_last}


class PdeMixer(nn.Module):
    def __init__(self, c, layout):
        super().__init__()
        inner = c["expand"] * c["width"]
        self.in_proj = nn.Linear(c["width"], 2 * inner)
        self.out_proj = nn.Linear(inner, c["width"])
        self.pde = Pde(inner, c["states"], c["solution"], c.get("b_max", DEFAULT_B_MAX))
        self.filter = FILTERS[layout]
        self.kept = None  # the symbol, while sampling

    def forward(self, h, height, width):
        a, z = self.in_proj(h).chunk(2, -1)
        symbol = self.pde(height, width) if self.kept is None else self.kept
        y = self.filter(a.unflatten(1, (height, width)), symbol).flatten(1, 2)
        return self.out_proj(y * F.silu(z))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c["heads"]
        self.qkv = nn.Linear(c["width"], 3 * c["width"])
        self.proj = nn.Linear(c["width"], c["width"])

    def forward(self, h, height, width):
        q, k, v = self.qkv(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, h):
        return self.fc2(F.gelu(self.fc1(h), approximate="tanh"))


def modulate(x, shift, scale):
    """LN(x) (1 + scale) + shift, the modulation the same for all tokens of an image."""
    x = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return torch.addcmul(shift[:, None], x, 1 + scale[:, None])


class Block(nn.Module):
    def __init__(self, c, layout):
        super().__init__()
        # A separate entry, so that names match those of files; silu(c) is the same in all blocks
        # and comes from outside.
        self.adaLN_modulation = nn.ModuleList([nn.Identity(), nn.Linear(c["width"], 6 * c["width"])])
        if c["mixer"] == "pde":
            self.mixer = PdeMixer(c, layout)
        else:
            self.attn = Attention(c)
        self.mlp = Mlp(c["width"])

    def forward(self, x, silu_c, height, width):
        s1, a1, g1, s2, a2, g2 = self.adaLN_modulation[1](silu_c).chunk(6, -1)
        mixer = self.mixer if hasattr(self, "mixer") else self.attn
        x = torch.addcmul(x, g1[:, None], mixer(modulate(x, s1, a1), height, width))
        return torch.addcmul(x, g2[:, None], self.mlp(modulate(x, s2, a2)))


class TimeEmbedder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        f = 10000.0 ** (-torch.arange(128, dtype=torch.float64) / 128)
        self.register_buffer("f", f.float(), persistent=False)

    def forward(self, t):
        angle = 1000 * t[:, None] * self.f
        return self.mlp(torch.cat([torch.cos(angle), torch.sin(angle)], -1))


class Network(nn.Module):
    """config: the dictionary that checkpoints carry; layout: of the PDE mixer's transforms."""

    def __init__(self, config, layout="channels_last"):
        super().__init__()
        self.c = c = config
        width, patch = c["width"], c["patch"]
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(c["channels"], width, patch, patch)})
        self.t_embedder = TimeEmbedder(width)
        table = nn.Embedding(c["num_classes"] + 1, width)
        self.y_embedder = nn.ModuleDict({"embedding_table": table})
        self.blocks = nn.ModuleList([Block(c, layout) for _ in range(c["depth"])])
        self.final_layer = nn.ModuleDict({
            "adaLN_modulation": nn.ModuleList([nn.Identity(), nn.Linear(width, 2 * width)]),
            "linear": nn.Linear(width, patch * patch * c["channels"])})
        self.position = {}

    def positions(self, height, width):
        """[N, C], made once for each grid."""
        if (height, width) not in self.position:
            rows, columns = self.c["reference_grid"]
            q = self.c["width"] // 4
            w = 10000.0 ** (-torch.arange(q, dtype=torch.float64) / q)
            i = (torch.arange(height) * rows / height)[:, None, None] * w
            j = (torch.arange(width) * columns / width)[None, :, None] * w
            parts = [torch.sin(j), torch.cos(j), torch.sin(i), torch.cos(i)]
            parts = [p.expand(height, width, q) for p in parts]
            self.position[height, width] = torch.cat(parts, -1).flatten(0, 1).float()
        return self.position[height, width]

    def keep_symbols(self, height, width):
        """While the coefficients stand still, as in sampling, G is computed once."""
        for block in self.blocks:
            if hasattr(block, "mixer"):
                block.mixer.kept = block.mixer.pde(height, width).detach()

    def embed(self, x):
        """One matrix product over the patches: a convolution whose stride is its size."""
        p = self.c["patch"]
        b, channels, rows, columns = x.shape
        patches = x.view(b, channels, rows // p, p, columns // p, p).permute(0, 2, 4, 1, 3, 5)
        proj = self.x_embedder["proj"]
        return F.linear(patches.reshape(b, -1, channels * p * p), proj.weight.flatten(1), proj.bias)

    def forward(self, x, t, y):
        """x [B, channels, Hi, Wi], t [B], y [B] -> v like x."""
        p = self.c["patch"]
        height, width = x.shape[2] // p, x.shape[3] // p
        tokens = self.embed(x) + self.positions(height, width)
        c = F.silu(self.t_embedder(t) + self.y_embedder["embedding_table"](y))
        for block in self.blocks:
            tokens = block(tokens, c, height, width)
        shift, scale = self.final_layer["adaLN_modulation"][1](c).chunk(2, -1)
        out = self.final_layer["linear"](modulate(tokens, shift, scale))
        out = out.view(x.shape[0], height, width, p, p, x.shape[1]).permute(0, 5, 1, 3, 2, 4)
        return out.reshape(x.shape)


def load(path, layout="channels_last"):
    """The network of a checkpoint of pdessm-cl; every tensor must be there and none too many."""
    with safetensors.safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["pdessm.config"])
        network = Network(config, layout)
        network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})
    return network
