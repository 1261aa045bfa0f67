"""Which activations of the reference the variant graph reads, and where they lie.

Shared by the graphs, which write and read them, and the planner, which works out what to read; no
framework is needed for it.
"""

from __future__ import annotations

from spliceflow.models.dilated_cnn import DilatedCnn


def taps_after_units(config: DilatedCnn) -> list[int]:
    """How many residual units precede each tap; the first tap reads the embedding."""
    return [0, *(unit + 1 for unit in range(config.units) if config.has_skip_after(unit))]


def kept_names(config: DilatedCnn) -> list[str]:
    """Names of the reference activations that variants read.

    ``x{u}``: input of unit u (u = number of units: the trunk's end); ``a{u}``: input of the
    second convolution of unit u, after its activation.
    """
    names = []
    for unit in range(config.units):
        names += [f"x{unit}", f"a{unit}"]
    return [*names, f"x{config.units}"]


def kept_margins(config: DilatedCnn) -> dict[str, int]:
    """Bases that each kept activation is shorter than the tile's codes, on either side."""
    margins: dict[str, int] = {}
    margin = 0
    for unit in range(config.units):
        half_span = config.half_spans[2 * unit]
        margins[f"x{unit}"] = margin
        margins[f"a{unit}"] = margin + half_span
        margin += 2 * half_span
    margins[f"x{config.units}"] = margin
    return margins
