"""Export of trained weights to a checked model bundle.

The exported graphs are compared with PyTorch where it is installed, else with
:mod:`spliceflow.models.numpy_forward`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import N_CODE, MemberWeights
from spliceflow.models.numpy_forward import probabilities
from spliceflow.models.weights import StateDict, check_state_dict

TOLERANCE = 2e-5
"""Largest allowed difference of a probability between ONNX Runtime and what it is compared with."""


@dataclass(frozen=True)
class ExportCheck:
    """How an exported bundle compares with its weights on :func:`site_rich_codes`.

    Attributes:
        compared_with: what computed the expected probabilities, ``PyTorch`` or ``NumPy``.
        largest_difference: of any probability of any member.
        highest_site_probability: over acceptors and donors, ensemble mean; tells whether the
            comparison was made where there is signal.
    """

    compared_with: str
    largest_difference: float
    highest_site_probability: float


def export_bundle(
    members: list[StateDict], config: DilatedCnn, card: BundleCard, path: str | Path
) -> tuple[Bundle, ExportCheck]:
    """Write a bundle, compare it with its weights, and let it appear only if they agree.

    Raises:
        InputError: a state dict does not fit the network, or the exported graphs differ from
            PyTorch or NumPy by more than :data:`TOLERANCE`.
    """
    for number, state in enumerate(members, start=1):
        check_state_dict(config, state, f"member {number} of {card.name}")
    with atomic_path(path) as partial:
        bundle = write_bundle(
            partial, card, [MemberWeights.from_state_dict(config, state) for state in members]
        )
        check = check_bundle(bundle, members)
    return Bundle.load(path), check


def check_bundle(bundle: Bundle, members: list[StateDict]) -> ExportCheck:
    """Compare every member's probabilities with PyTorch's or NumPy's, where there are sites.

    Raises:
        InputError: a state dict does not fit the network, or they differ by more than
            :data:`TOLERANCE`.
    """
    forward = _torch_forward()
    name_of_forward = "PyTorch" if forward else "NumPy"
    codes = site_rich_codes(bundle.context)
    largest = 0.0
    means = []
    for name, state in zip(bundle.members, members, strict=True):
        check_state_dict(bundle.network, state, f"the weights of {bundle.card.name}")
        expected = (forward or probabilities)(bundle.network, state, codes)
        session = onnxruntime.InferenceSession(
            bundle.path / name, providers=["CPUExecutionProvider"]
        )
        actual = session.run(["probabilities"], {"codes": codes[None].astype(np.int32)})[0][0]
        # np.maximum keeps a NaN
        largest = float(np.maximum(largest, np.abs(actual - expected).max()))
        means.append(actual)
    check = ExportCheck(name_of_forward, largest, float(np.mean(means, axis=0)[:, 1:].max()))
    if not check.largest_difference <= TOLERANCE:
        raise InputError(
            f"the ONNX export of {bundle.card.name} differs from {check.compared_with} by "
            f"{check.largest_difference:.1e} in a probability: report this with the weights"
        )
    return check


def _torch_forward() -> Callable[[DilatedCnn, StateDict, np.ndarray], np.ndarray] | None:
    """The network in PyTorch as a function like :func:`probabilities`, if PyTorch can be loaded."""
    try:
        import torch

        from spliceflow.models.architecture import SpliceNetwork
    except (ImportError, OSError):  # OSError: one of its libraries is missing
        return None

    def forward(config: DilatedCnn, state: StateDict, codes: np.ndarray) -> np.ndarray:
        network = SpliceNetwork(config).eval()
        tensors = {key: torch.from_numpy(np.array(value)) for key, value in state.items()}
        # counts of batches, which play no part here, may be missing
        network.load_state_dict(tensors, strict=False)
        one_hot = torch.from_numpy(np.eye(5, 4, dtype=np.float32)[codes].T[None].copy())
        with torch.inference_mode():
            return torch.softmax(network(one_hot), dim=1)[0].T.numpy()

    return forward


def site_rich_codes(context: int, exons: int = 8) -> np.ndarray:
    """Base codes of an artificial gene with consensus splice sites, flanked by ``context`` / 2.

    Models of the family call most of its sites, so that a comparison on it is made where
    probabilities are not all zero. Always the same sequence.

    Returns:
        uint8 (length,), N beyond the gene.
    """
    rng = np.random.default_rng(20190124)

    def bases(length: int, composition: str = "ACGT") -> str:
        return "".join(rng.choice(list(composition), length))

    parts = [bases(200)]
    for _ in range(exons):
        intron_start = "GTAAGT" + bases(180, "AACGTTT")
        branch_and_tract = "TACTAAC" + bases(12, "ACTTT") + bases(16, "CTTTT") + "CAG"
        parts += ["GAAGAAGCTGAGGA" + bases(100, "AACCGGGT") + "CAG"]
        parts += [intron_start + branch_and_tract]
    parts += [bases(200)]
    lookup = np.full(256, N_CODE, np.uint8)
    lookup[np.frombuffer(b"ACGT", np.uint8)] = np.arange(4)
    gene = lookup[np.frombuffer("".join(parts).encode(), np.uint8)]
    return np.pad(gene, context // 2, constant_values=N_CODE)
