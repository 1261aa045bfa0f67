"""Which weights of a trained network learn when it is taught a new species."""

from __future__ import annotations

from collections.abc import Callable

from spliceflow.errors import InputError
from spliceflow.models.dilated_cnn import DilatedCnn

OUTPUT_LAYERS = "final_conv"


def trainable_names(config: DilatedCnn, unfreeze: str | int) -> Callable[[str], bool]:
    """A test for the names of the parameters that are to be taught.

    Args:
        config: shape of the network.
        unfreeze: ``all``, or a number of residual units counted from the end. The output layer and
            the skip taps behind the first taught unit always learn with them.

    Raises:
        InputError: not ``all`` and not a number from 0 to the number of units.
    """
    if unfreeze == "all":
        return lambda name: True
    try:
        count = int(unfreeze)
    except ValueError:
        count = -1
    if not 0 <= count <= config.units:
        raise InputError(
            f"units to unfreeze {unfreeze!r} is neither 'all' nor a number from 0 to "
            f"{config.units}, the residual units of the network."
        )
    units, skips = config.layer_names()
    taught = [OUTPUT_LAYERS, *units[config.units - count :]]
    if count:
        first = int(units[config.units - count].split(".")[1])
        taught += [skip for skip in skips if int(skip.split(".")[1]) > first]
    return lambda name: any(name.startswith(f"{prefix}.") for prefix in taught)
