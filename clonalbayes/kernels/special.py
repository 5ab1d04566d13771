"""Log-gamma and the rising factorials of the beta-binomial, fast enough for inner loops.

The beta-binomial probability of `a` alt and `r` ref reads with mean p and precision s is, up to the
binomial coefficient, ``rise(p s, a) + rise((1-p) s, r) - rise(s, a + r)`` in logarithms, where
``rise(x, n) = log Gamma(x + n) - log Gamma(x)``.
"""

import math

from clonalbayes.kernels.jit import kernel

_HALF_LOG_2PI = 0.9189385332046727
_STIRLING_FROM = 8.0


@kernel
def log_gamma(x: float) -> float:
    """Logarithm of the gamma function for x > 0 (Stirling series above 8; error below 1e-12)."""
    shift = 1.0
    while x < _STIRLING_FROM:
        shift *= x
        x += 1.0
    inv = 1.0 / x
    inv2 = inv * inv
    series = inv * (
        0.08333333333333333
        - inv2 * (0.002777777777777778 - inv2 * (0.0007936507936507937 - inv2 * 0.0005952380952380953))
    )
    value = (x - 0.5) * math.log(x) - x + _HALF_LOG_2PI + series
    if shift != 1.0:
        value -= math.log(shift)
    return value


@kernel
def digamma(x: float) -> float:
    """Derivative of `log_gamma` for x > 0."""
    value = 0.0
    while x < _STIRLING_FROM:
        value -= 1.0 / x
        x += 1.0
    inv = 1.0 / x
    inv2 = inv * inv
    value += math.log(x) - 0.5 * inv
    value -= inv2 * (0.08333333333333333 - inv2 * (0.008333333333333333 - inv2 * 0.003968253968253968))
    return value


@kernel
def trigamma(x: float) -> float:
    """Second derivative of `log_gamma` for x > 0."""
    value = 0.0
    while x < _STIRLING_FROM:
        value += 1.0 / (x * x)
        x += 1.0
    inv = 1.0 / x
    inv2 = inv * inv
    value += inv + 0.5 * inv2
    value += inv * inv2 * (0.16666666666666666 - inv2 * (0.03333333333333333 - inv2 * 0.023809523809523808))
    return value


@kernel
def rise(x: float, low: float, high: float) -> float:
    """Sum of log(x + j) for the integers low <= j < high."""
    gap = high - low
    if gap <= 6.0:
        product = 1.0
        j = low
        while j < high:
            product *= x + j
            j += 1.0
        return math.log(product)
    return log_gamma(x + high) - log_gamma(x + low)
