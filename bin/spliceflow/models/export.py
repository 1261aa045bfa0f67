"""Export of trained weights to a checked model bundle. Needs PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import N_CODE, MemberWeights
from spliceflow.models.weights import StateDict

TOLERANCE = 2e-5
"""Largest allowed difference of a probability between PyTorch and ONNX Runtime."""


@dataclass(frozen=True)
class ExportCheck:
    """How an exported bundle compares with PyTorch on :func:`site_rich_codes`.

    Attributes:
        largest_difference: of any probability of any member.
        highest_site_probability: over acceptors and donors, ensemble mean; tells whether the
            comparison was made where there is signal.
    """

    largest_difference: float
    highest_site_probability: float


def export_bundle(
    members: list[StateDict], config: DilatedCnn, card: BundleCard, path: str | Path
) -> tuple[Bundle, ExportCheck]:
    """Write a bundle, compare it with PyTorch, and let it appear only if they agree.

    Raises:
        InputError: a state dict does not fit the network, or the exported graphs differ from
            PyTorch by more than :data:`TOLERANCE`.
    """
    with atomic_path(path) as partial:
        bundle = write_bundle(
            partial, card, [MemberWeights.from_state_dict(config, state) for state in members]
        )
        check = check_bundle(bundle, members)
    return Bundle.load(path), check


def check_bundle(bundle: Bundle, members: list[StateDict]) -> ExportCheck:
    """Compare every member's probabilities with PyTorch's, on sequence with splice sites.

    Raises:
        InputError: they differ by more than :data:`TOLERANCE`.
    """
    import torch

    from spliceflow.models.architecture import SpliceNetwork

    codes = site_rich_codes(bundle.context)
    one_hot = torch.from_numpy(np.eye(5, 4, dtype=np.float32)[codes].T[None].copy())
    largest = 0.0
    means = []
    for name, state in zip(bundle.members, members, strict=True):
        network = SpliceNetwork(bundle.network).eval()
        tensors = {key: torch.from_numpy(np.asarray(value)) for key, value in state.items()}
        missing = network.load_state_dict(tensors, strict=False)
        unknown = [key for key in missing.unexpected_keys if "num_batches" not in key]
        absent = [key for key in missing.missing_keys if "num_batches" not in key]
        if unknown or absent:
            raise InputError(
                f"the weights of {bundle.card.name} do not fit the network: "
                f"missing {absent[:3]}, unknown {unknown[:3]}"
            )
        with torch.inference_mode():
            expected = torch.softmax(network(one_hot), dim=1)[0].T.numpy()
        session = onnxruntime.InferenceSession(
            bundle.path / name, providers=["CPUExecutionProvider"]
        )
        actual = session.run(["probabilities"], {"codes": codes[None].astype(np.int32)})[0][0]
        largest = max(largest, float(np.abs(actual - expected).max()))
        means.append(actual)
    check = ExportCheck(largest, float(np.mean(means, axis=0)[:, 1:].max()))
    if not check.largest_difference <= TOLERANCE:
        raise InputError(
            f"the ONNX export of {bundle.card.name} differs from PyTorch by "
            f"{check.largest_difference:.1e} in a probability: report this with the weights"
        )
    return check


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
