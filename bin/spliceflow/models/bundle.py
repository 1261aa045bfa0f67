"""Model bundles: the only thing that scoring accepts.

A bundle is a directory with ``bundle.json`` and one ONNX file for each ensemble member. The
description names every file with its SHA-256, and nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from spliceflow.atomic import atomic_path
from spliceflow.digests import sha256
from spliceflow.errors import InputError
from spliceflow.models.dilated_cnn import DilatedCnn

if TYPE_CHECKING:
    # Graphs need ONNX, which reading a bundle's description does not.
    from spliceflow.models.graphs import MemberWeights

FORMAT = 1
DESCRIPTION = "bundle.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_INFO_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class BundleCard:
    """What a bundle says of itself.

    Attributes:
        name: unique, also a file name: letters, digits, ``.``, ``_`` and ``-``.
        version: of the weights, as their authors count.
        info_tag: INFO key of the scores in an annotated VCF.
        family: architecture, a key of the importers: ``spliceai`` or ``openspliceai``.
        species: what the model was trained on, e.g. ``Homo sapiens``.
        assembly: genome assembly it was trained on, or "".
        licence: SPDX identifier or the licence's name.
        citation: how to cite the weights.
        provenance: what the weights came from, and for models trained here on what and how.
        temperature: logits are divided by it when calibrated scores are asked for.
        notes: sentences a user should read before use (limits, intended use).
        metrics: measured numbers by name, e.g. ``held_out_auprc_donor``.
    """

    name: str
    version: str = "1"
    info_tag: str = "SpliceFlow"
    family: str = "openspliceai"
    species: str = ""
    assembly: str = ""
    licence: str = ""
    citation: str = ""
    provenance: str = ""
    temperature: float = 1.0
    notes: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """A checked bundle on disk.

    Attributes:
        path: its directory.
        card: what it says of itself.
        network: shape of all members.
        members: file names of the members, in order; scores are the mean over them.
        files: SHA-256 by file name.
    """

    path: Path
    card: BundleCard
    network: DilatedCnn
    members: tuple[str, ...]
    files: dict[str, str]

    outputs = ("neither", "acceptor", "donor")

    @property
    def context(self) -> int:
        """Bases read in total on both sides of a scored base."""
        return self.network.context

    @property
    def fingerprint(self) -> str:
        """12 hex digits of what uncalibrated scores depend on: the network and its weights."""
        return self.score_fingerprint(calibrated=False)

    def score_fingerprint(self, calibrated: bool) -> str:
        """12 hex digits of what scores depend on; calibrated ones on the temperature too."""
        content: dict[str, object] = {
            "network": asdict(self.network),
            "members": [self.files[member] for member in self.members],
        }
        if calibrated:
            content["temperature"] = self.card.temperature
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @classmethod
    def load(cls, path: str | Path) -> Bundle:
        """Read and check a bundle.

        Raises:
            InputError: not a bundle, of another format, or a file is missing or altered.
        """
        path = Path(path)
        description = path / DESCRIPTION
        if not description.is_file():
            raise InputError(
                f"{path} is not a model bundle: it has no {DESCRIPTION}; "
                "give a bundle made by EXPORT_MODEL"
            )
        try:
            content = json.loads(description.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise InputError(
                    f"{description} has bundle format {content['format']}, this version reads "
                    f"{FORMAT}: export the model again"
                )
            known = {item.name for item in fields(BundleCard)}
            values = {key: content[key] for key in known if key in content}
            values["notes"] = tuple(values.get("notes", ()))
            network = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in content["network"].items()
            }
            bundle = cls(
                path,
                BundleCard(**values),
                DilatedCnn(**network),
                tuple(content["members"]),
                dict(content["files"]),
            )
            _check_names(bundle)
            _check_values(bundle)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{description} can't be read as a bundle description ({error!r}): "
                "export the model again"
            ) from error
        for name, expected in bundle.files.items():
            file = path / name
            if not file.is_file():
                raise InputError(f"{path} lacks {name}: export the model again")
            if sha256(file) != expected:
                raise InputError(
                    f"{file} is not the file that {DESCRIPTION} describes (SHA-256 differs): "
                    "export the model again"
                )
        return bundle

    def weights(self, member: str) -> MemberWeights:
        """Weights of one member, read from its ONNX file."""
        import onnx

        from spliceflow.models.graphs import MemberWeights

        return MemberWeights.from_member_graph(self.network, onnx.load(self.path / member))


def write_bundle(path: str | Path, card: BundleCard, members: list[MemberWeights]) -> Bundle:
    """Write a bundle; the directory appears when it is complete.

    Raises:
        InputError: the name or INFO tag of the card can't be used, or there is no member.
    """
    from spliceflow.models.graphs import member_graph

    if not members:
        raise InputError(f"model {card.name!r} has no members: give at least one weight file")
    if not _NAME.fullmatch(card.name):
        raise InputError(f"model name {card.name!r} may have letters, digits, '.', '_', '-' only")
    if not _INFO_TAG.fullmatch(card.info_tag):
        raise InputError(
            f"INFO tag {card.info_tag!r} has to begin with a letter and have letters, digits, "
            "'_' and '.' only"
        )
    with atomic_path(path) as partial:
        partial.mkdir()
        names = []
        for number, weights in enumerate(members, start=1):
            name = f"member_{number}.onnx"
            (partial / name).write_bytes(member_graph(weights).SerializeToString())
            names.append(name)
        content = {"format": FORMAT} | asdict(card)
        content["context"] = members[0].config.context
        content["outputs"] = list(Bundle.outputs)
        content["network"] = asdict(members[0].config)
        content["members"] = names
        content["files"] = {name: sha256(partial / name) for name in names}
        (partial / DESCRIPTION).write_text(
            json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return Bundle.load(path)


def _check_names(bundle: Bundle) -> None:
    """A description names files inside its own directory, and every member is among them."""
    if not bundle.members:
        raise ValueError("no members")
    for name in (*bundle.files, *bundle.members):
        if Path(name).name != name or name not in bundle.files:
            raise ValueError(f"file name {name!r}")


def _check_values(bundle: Bundle) -> None:
    """A description may come from anywhere: its values are of their kinds, and safe in a VCF."""
    for item in fields(BundleCard):
        value = getattr(bundle.card, item.name)
        if item.type == "str" and not isinstance(value, str):
            raise ValueError(f"{item.name} {value!r}")
    if not _NAME.fullmatch(bundle.card.name) or not _INFO_TAG.fullmatch(bundle.card.info_tag):
        raise ValueError(f"name {bundle.card.name!r} or INFO tag {bundle.card.info_tag!r}")
    if not all(isinstance(note, str) for note in bundle.card.notes):
        raise ValueError("notes")
    if not all(_is_number(value) for value in dict(bundle.card.metrics).values()):
        raise ValueError("metrics")
    if not _is_number(bundle.card.temperature) or not bundle.card.temperature > 0:
        raise ValueError(f"temperature {bundle.card.temperature!r}")
    network = bundle.network
    shape = (network.channels, *network.kernel_widths, *network.dilations)
    if not all(type(number) is int and 0 < number < 1 << 16 for number in shape):
        raise ValueError(f"network {asdict(network)!r}")
    if not network.units or len(network.kernel_widths) != len(network.dilations):
        raise ValueError(f"network of {network.units} units")
    if not all(map(_is_number, (network.negative_slope, network.batch_norm_eps))):
        raise ValueError(f"network {asdict(network)!r}")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
