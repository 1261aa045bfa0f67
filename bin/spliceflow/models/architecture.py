"""The SpliceAI family of networks in PyTorch, for training and for checking exports."""

from __future__ import annotations

import torch
from torch import nn

from spliceflow.models.dilated_cnn import DilatedCnn


class ResidualUnit(nn.Module):
    """Twice batch norm → activation → dilated convolution, plus identity.

    Convolutions are unpadded: the output is shorter than the input by four half-spans.
    """

    def __init__(
        self, channels: int, width: int, dilation: int, negative_slope: float, eps: float
    ) -> None:
        super().__init__()
        self.batchnorm1 = nn.BatchNorm1d(channels, eps=eps)
        self.batchnorm2 = nn.BatchNorm1d(channels, eps=eps)
        self.conv1 = nn.Conv1d(channels, channels, width, dilation=dilation)
        self.conv2 = nn.Conv1d(channels, channels, width, dilation=dilation)
        self.negative_slope = negative_slope
        self.crop = (width - 1) * dilation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, L) → (N, channels, L - 2 * (width - 1) * dilation)."""
        y = nn.functional.leaky_relu(self.batchnorm1(x), self.negative_slope)
        y = self.conv1(y)
        y = nn.functional.leaky_relu(self.batchnorm2(y), self.negative_slope)
        y = self.conv2(y)
        return y + x[:, :, self.crop : x.shape[2] - self.crop]


class SkipTap(nn.Module):
    """1×1 convolution from the trunk to the sum before the output layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, L) → (N, channels, L)."""
        return self.conv(x)


class SpliceNetwork(nn.Module):
    """One member of an ensemble; its state dict has OpenSpliceAI's names.

    Every convolution is unpadded, so the window shrinks as it goes. At the positions that
    are returned this equals zero padding at each layer, because the receptive field is
    exactly the context.
    """

    def __init__(self, config: DilatedCnn) -> None:
        super().__init__()
        self.config = config
        self.initial_conv = nn.Conv1d(4, config.channels, 1)
        self.initial_skip = SkipTap(config.channels)
        self.residual_units = nn.ModuleList()
        for unit in range(config.units):
            self.residual_units.append(
                ResidualUnit(
                    config.channels,
                    config.kernel_widths[unit],
                    config.dilations[unit],
                    config.negative_slope,
                    config.batch_norm_eps,
                )
            )
            if config.has_skip_after(unit):
                self.residual_units.append(SkipTap(config.channels))
        self.final_conv = nn.Conv1d(config.channels, 3, 1)

    def forward(self, one_hot: torch.Tensor) -> torch.Tensor:
        """Logits of neither, acceptor, donor.

        Args:
            one_hot: float (N, 4, L) in the order A C G T; all zeros for any other base.

        Returns:
            float (N, 3, L - context).
        """
        outputs = one_hot.shape[2] - self.config.context
        x = self.initial_conv(one_hot)
        skip = self.initial_skip(_centre(x, outputs))
        for layer in self.residual_units:
            if isinstance(layer, SkipTap):
                skip = skip + layer(_centre(x, outputs))
            else:
                x = layer(x)
        return self.final_conv(skip)


def _centre(x: torch.Tensor, length: int) -> torch.Tensor:
    start = (x.shape[2] - length) // 2
    return x[:, :, start : start + length]
