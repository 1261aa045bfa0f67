"""Wide convolutions with fewer multiplications, exactly.

A dilated convolution y[n] = Σ_k h[k] x[n + k·d] is cut by the parity of its taps and of its
positions, counted in steps of the dilation: x0, x1 are the even and odd positions, E, O the even
and odd taps, z a shift by one even position. Then y0 = E·x0 + O·x1 and y1 = E·x1 + zO·x0, four
half-length filters on half-length signals. Written as

    P = E·(x0 + x1),    y0 = P + (O - E)·x1,    y1 = P + (zO - E)·x0

three are enough, and applied twice, nine of eleven taps on quarter-length signals do the work of
41 taps: 0.60 of the multiplications (fast FIR algorithms: Winograd, *Arithmetic Complexity of
Computations*, 1980; Mou and Duhamel, IEEE Trans. ASSP 35, 1987). Sums and differences of weights
are taken once, in the graph's constants.
"""

from __future__ import annotations

import math

import numpy as np

from spliceflow.models.dilated_cnn import DilatedCnn

NARROWEST = 33
"""Kernels with fewer taps gain less than the extra operators cost (measured)."""

PHASES = 4


def phases(config: DilatedCnn, unit: int, block: int) -> int:
    """Into how many signals the trunk is cut in ``unit``: 4, or 1 for a plain convolution.

    Cut only where the runtime's blocked kernels add a residual for free, and where half-spans
    are whole numbers of steps.
    """
    width = config.kernel_widths[unit]
    return PHASES if block > 1 and width >= NARROWEST and (width - 1) % (2 * PHASES) == 0 else 1


def steps(config: DilatedCnn, block: int) -> tuple[int, ...]:
    """For layers 0 … K: the width of a layer is a multiple of this many bases.

    Layer 2u is the trunk before unit u, layer 2u + 1 the input of its second convolution.
    """
    result = [1] * (2 * config.units + 1)
    for unit in range(config.units):
        count = phases(config, unit, block)
        if count > 1:
            step = count * config.dilations[unit]
            for layer in (2 * unit, 2 * unit + 1, 2 * unit + 2):
                result[layer] = math.lcm(result[layer], step)
    return tuple(result)


def split_taps(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E, O - E and zO - E of a kernel (…, K), K odd, each (…, (K + 1) / 2)."""
    even, odd = weight[..., 0::2], weight[..., 1::2]
    none = np.zeros_like(weight[..., :1])
    later = np.concatenate([odd, none], axis=-1)
    shifted = np.concatenate([none, odd], axis=-1)
    return even, later - even, shifted - even
