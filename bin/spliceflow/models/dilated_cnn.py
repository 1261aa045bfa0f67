"""Shape of the SpliceAI family of networks, without any framework.

One-hot → 1×1 convolution → residual units of two dilated convolutions each → a 1×1 skip tap
after every four units → 1×1 convolution → softmax (Jaganathan et al. 2019, Fig. S1).
"""

from __future__ import annotations

from dataclasses import dataclass

from spliceflow.errors import InputError

UNITS_PER_SKIP = 4

_BLOCKS = {
    80: ((11, 1),),
    400: ((11, 1), (11, 4)),
    2_000: ((11, 1), (11, 4), (21, 10)),
    10_000: ((11, 1), (11, 4), (21, 10), (41, 25)),
}
"""Context in bases → (kernel width, dilation) of each block of four residual units."""


@dataclass(frozen=True)
class DilatedCnn:
    """Hyperparameters of one network of the family.

    Attributes:
        kernel_widths: taps of both convolutions of each residual unit.
        dilations: dilation of both convolutions of each residual unit, in bases.
        channels: feature channels between the first and the last convolution.
        negative_slope: of the leaky ReLU; 0 for SpliceAI's ReLU, 0.1 for OpenSpliceAI.
        batch_norm_eps: 1e-3 for SpliceAI (Keras), 1e-5 for OpenSpliceAI (PyTorch).
    """

    kernel_widths: tuple[int, ...]
    dilations: tuple[int, ...]
    channels: int = 32
    negative_slope: float = 0.1
    batch_norm_eps: float = 1e-5

    @classmethod
    def of_context(
        cls,
        context: int,
        *,
        channels: int = 32,
        negative_slope: float = 0.1,
        batch_norm_eps: float = 1e-5,
    ) -> DilatedCnn:
        """The published network that reads ``context`` bases in total around a base.

        Raises:
            InputError: the context is none of 80, 400, 2000, 10000.
        """
        if context not in _BLOCKS:
            known = ", ".join(str(known) for known in _BLOCKS)
            raise InputError(f"context {context} is not one of the known contexts: use {known}")
        blocks = _BLOCKS[context]
        return cls(
            kernel_widths=tuple(width for width, _ in blocks for _ in range(UNITS_PER_SKIP)),
            dilations=tuple(dilation for _, dilation in blocks for _ in range(UNITS_PER_SKIP)),
            channels=channels,
            negative_slope=negative_slope,
            batch_norm_eps=batch_norm_eps,
        )

    @property
    def units(self) -> int:
        """Number of residual units."""
        return len(self.kernel_widths)

    @property
    def half_spans(self) -> tuple[int, ...]:
        """Bases that each dilated convolution reads on either side, two entries a unit."""
        return tuple(
            (width - 1) * dilation // 2
            for width, dilation in zip(self.kernel_widths, self.dilations, strict=True)
            for _ in range(2)
        )

    @property
    def taps(self) -> tuple[int, ...]:
        """Kernel width of each dilated convolution, two entries a unit."""
        return tuple(width for width in self.kernel_widths for _ in range(2))

    @property
    def context(self) -> int:
        """Bases read in total on both sides of a scored base."""
        return 2 * sum(self.half_spans)

    def has_skip_after(self, unit: int) -> bool:
        """Whether a skip tap follows residual unit ``unit`` (0-based)."""
        return (unit + 1) % UNITS_PER_SKIP == 0 or unit + 1 == self.units

    def layer_names(self) -> tuple[list[str], list[str]]:
        """State-dict prefixes of the residual units and of the skip taps after them.

        Units and skips share one running index, as in OpenSpliceAI's files.
        """
        unit_names: list[str] = []
        skip_names: list[str] = []
        index = 0
        for unit in range(self.units):
            unit_names.append(f"residual_units.{index}")
            index += 1
            if self.has_skip_after(unit):
                skip_names.append(f"residual_units.{index}.conv")
                index += 1
        return unit_names, skip_names

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor of a state dict by its name, as in OpenSpliceAI's files.

        Convolutions are (outputs, inputs, width).
        """
        channels = self.channels
        unit_names, skip_names = self.layer_names()
        shapes: dict[str, tuple[int, ...]] = {}

        def convolution(name: str, outputs: int, inputs: int, width: int) -> None:
            shapes[f"{name}.weight"] = (outputs, inputs, width)
            shapes[f"{name}.bias"] = (outputs,)

        convolution("initial_conv", channels, 4, 1)
        for name in ("initial_skip.conv", *skip_names):
            convolution(name, channels, channels, 1)
        for name, width in zip(unit_names, self.kernel_widths, strict=True):
            for number in (1, 2):
                convolution(f"{name}.conv{number}", channels, channels, width)
                for part in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{name}.batchnorm{number}.{part}"] = (channels,)
        convolution("final_conv", 3, channels, 1)
        return shapes
