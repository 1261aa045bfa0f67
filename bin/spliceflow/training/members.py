"""Members of an ensemble as PyTorch networks."""

from __future__ import annotations

import os

import numpy as np
import torch

from spliceflow.errors import InputError
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.weights import StateDict, read_weights


def load_members(path: str | os.PathLike[str]) -> list[SpliceNetwork]:
    """Networks of a weight file or of a directory of them, in evaluation mode on the CPU.

    Raises:
        InputError: nothing is there, or it is not a network of the SpliceAI family.
    """
    weights = read_weights(path)
    return [network_of(weights.config, state) for state in weights.members]


def network_of(config: DilatedCnn, state: StateDict) -> SpliceNetwork:
    """A network with the weights of a state dict, in evaluation mode on the CPU.

    Raises:
        InputError: the state dict is not of that shape.
    """
    network = SpliceNetwork(config)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensors.setdefault(name, tensor)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(
            f"the weights do not fit a network of context {config.context}; give weights of the "
            "context that is to be trained."
        ) from error
    return network.eval()


def state_dict_of(network: SpliceNetwork) -> StateDict:
    """Weights as float32 arrays by OpenSpliceAI's names."""
    return {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
