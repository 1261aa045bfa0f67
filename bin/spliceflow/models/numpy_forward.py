"""The SpliceAI family of networks in plain NumPy: what an export is compared with.

Written after the description of the network, layer by layer, with nothing folded or reordered,
so that it shares no mistake with :mod:`spliceflow.models.graphs`.
"""

from __future__ import annotations

import numpy as np

from spliceflow.models.dilated_cnn import DilatedCnn


def probabilities(
    config: DilatedCnn, state: dict[str, np.ndarray], codes: np.ndarray
) -> np.ndarray:
    """Probabilities of neither, acceptor and donor, computed in float64.

    Args:
        config: shape of the network.
        state: tensors by OpenSpliceAI's names, in the shapes of ``config.tensor_shapes()``.
        codes: base codes (length,): A C G T are 0 to 3, N is 4.

    Returns:
        float64 (length - context, 3).
    """
    value = {name: np.asarray(array, np.float64) for name, array in state.items()}
    outputs = len(codes) - config.context

    def convolve(x: np.ndarray, name: str, dilation: int = 1) -> np.ndarray:
        """(inputs, L) → (outputs, L - (width - 1) * dilation)."""
        weight, bias = value[f"{name}.weight"], value[f"{name}.bias"]
        width = weight.shape[2]
        length = x.shape[1] - (width - 1) * dilation
        y = np.repeat(bias[:, None], length, axis=1)
        for tap in range(width):
            start = tap * dilation
            y += weight[:, :, tap] @ x[:, start : start + length]
        return y

    def normalise(x: np.ndarray, name: str) -> np.ndarray:
        mean, variance = value[f"{name}.running_mean"], value[f"{name}.running_var"]
        scale, shift = value[f"{name}.weight"], value[f"{name}.bias"]
        deviation = np.sqrt(variance + config.batch_norm_eps)
        return (x - mean[:, None]) / deviation[:, None] * scale[:, None] + shift[:, None]

    def activate(x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, config.negative_slope * x)

    def centre(x: np.ndarray, length: int) -> np.ndarray:
        start = (x.shape[1] - length) // 2
        return x[:, start : start + length]

    one_hot = np.eye(5, 4)[codes].T
    x = convolve(one_hot, "initial_conv")
    skip = convolve(centre(x, outputs), "initial_skip.conv")
    unit_names, skip_names = config.layer_names()
    pending = iter(skip_names)
    for unit, name in enumerate(unit_names):
        dilation = config.dilations[unit]
        y = convolve(activate(normalise(x, f"{name}.batchnorm1")), f"{name}.conv1", dilation)
        y = convolve(activate(normalise(y, f"{name}.batchnorm2")), f"{name}.conv2", dilation)
        x = y + centre(x, y.shape[1])
        if config.has_skip_after(unit):
            skip = skip + convolve(centre(x, outputs), next(pending))
    logits = convolve(skip, "final_conv").T
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
