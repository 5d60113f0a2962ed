# SPDX-License-Identifier: MIT
# autodiff.py: reverse-mode differentiation of NumPy arrays, real or complex, in double. Small enough
# to be seen to be right. The gradient of a real loss with respect to z = a + ib is kept as
# dL/da + i dL/db; so y = f(z) holomorphic passes back g conj(f'(z)), and a linear map its adjoint.
import numpy as np


class Var:
    def __init__(self, value, parents=()):
        self.value = np.asarray(value)
        self.parents = parents  # (Var, function from the gradient of self to that Var's part)
        self.gradient = None

    shape = property(lambda self: self.value.shape)

    def __add__(self, other):
        other = var(other)
        return Var(self.value + other.value, ((self, lambda g: g), (other, lambda g: g)))

    def __mul__(self, other):
        other = var(other)
        a, b = self.value, other.value
        return Var(a * b, ((self, lambda g: g * np.conj(b)), (other, lambda g: g * np.conj(a))))

    def __matmul__(self, other):
        a, b = self.value, other.value
        return Var(a @ b, ((self, lambda g: g @ np.swapaxes(b, -1, -2)),
                           (other, lambda g: np.swapaxes(a, -1, -2) @ g)))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -var(other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other):
        return -self + other

    def __getitem__(self, key):
        def back(g):
            full = np.zeros(self.shape, g.dtype)
            np.add.at(full, key, g)
            return full
        return Var(self.value[key], ((self, back),))

    def reshape(self, *shape):
        return Var(self.value.reshape(shape), ((self, lambda g: g.reshape(self.shape)),))

    def transpose(self, *axes):
        return Var(self.value.transpose(axes), ((self, lambda g: g.transpose(np.argsort(axes))),))

    def sum(self, axis):
        def back(g):
            return np.broadcast_to(np.expand_dims(g, axis), self.shape)
        return Var(self.value.sum(axis), ((self, back),))

    def backward(self):
        """Gradients of this one number for everything that it was computed from."""
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for parent, _ in v.parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.gradient = np.ones(())
        for v in reversed(order):
            for parent, back in v.parents:
                g = unbroadcast(back(v.gradient), parent.shape)
                if not np.iscomplexobj(parent.value):
                    g = np.real(g)
                parent.gradient = g if parent.gradient is None else parent.gradient + g


def var(x):
    return x if isinstance(x, Var) else Var(x)


def unbroadcast(g, shape):
    """The adjoint of broadcasting: sums over the axes that it repeated."""
    extra = g.ndim - len(shape)
    g = g.sum(tuple(range(extra)))
    ones = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(ones, keepdims=True)


def elementwise(f, derivative):
    """y = f(x) of each element; derivative(x, y) is f'(x)."""
    def apply(x):
        y = f(x.value)
        return Var(y, ((x, lambda g: g * np.conj(derivative(x.value, y))),))
    return apply


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


exp = elementwise(np.exp, lambda x, y: y)
log = elementwise(np.log, lambda x, y: 1 / x)
tanh = elementwise(np.tanh, lambda x, y: 1 - y * y)
softplus = elementwise(lambda x: np.logaddexp(0, x), lambda x, y: sigmoid(x))
silu = elementwise(lambda x: x * sigmoid(x), lambda x, y: sigmoid(x) * (1 + x * (1 - sigmoid(x))))
rsqrt = elementwise(lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y**3)
reciprocal = elementwise(lambda x: 1 / x, lambda x, y: -y * y)
def nonzero(z):
    return np.where(z == 0, 1, z)


# (e^z - 1) / z and its derivative (e^z - phi1) / z, with their limits 1 and 1/2 at 0
phi1 = elementwise(lambda z: np.where(z == 0, 1, np.expm1(z) / nonzero(z)),
                   lambda z, y: np.where(z == 0, 0.5, (np.exp(z) - y) / nonzero(z)))


def real(z):
    return Var(np.real(z.value), ((z, lambda g: g.astype(complex)),))


def pad(x, widths):
    """Zeros around x: (before, after) for each axis."""
    inside = tuple(slice(w[0], w[0] + n) for w, n in zip(widths, x.shape))
    return Var(np.pad(x.value, widths), ((x, lambda g: g[inside]),))


def conj(z):
    return Var(np.conj(z.value), ((z, np.conj),))


def fft2(u, axes):
    """Unnormalised; its adjoint is the unnormalised inverse transform."""
    modes = np.prod([u.shape[a] for a in axes])
    return Var(np.fft.fft2(u.value, axes=axes),
               ((u, lambda g: np.fft.ifft2(g, axes=axes) * modes),))


def ifft2(u, axes):
    modes = np.prod([u.shape[a] for a in axes])
    return Var(np.fft.ifft2(u.value, axes=axes),
               ((u, lambda g: np.fft.fft2(g, axes=axes) / modes),))
