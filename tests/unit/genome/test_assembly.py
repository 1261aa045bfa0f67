"""The fingerprint of a FASTA: every letter counts, how they are written down does not."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.genome.assembly import DIGEST_FILE, AssemblyDigest, assembly_fingerprint
from spliceflow.genome.fasta import Genome

_SOURCE = random.Random(3)
SEQUENCES = {
    "chr1": "".join(_SOURCE.choices("ACGT", k=3001)),
    "chr2": "".join(_SOURCE.choices("ACGTN", k=700)),
}


def fingerprint(folder: Path, sequences: dict[str, str], width: int = 80, end: str = "\n") -> str:
    path = folder / f"{len(list(folder.iterdir()))}.fa"
    with path.open("w", newline="") as file:
        for name, letters in sequences.items():
            file.write(end.join([f">{name} of a species", *textwrap.wrap(letters, width), ""]))
    with Genome(path) as genome:
        return assembly_fingerprint(genome)


def test_every_letter_and_every_name_counts(tmp_path: Path) -> None:
    own = fingerprint(tmp_path, SEQUENCES)
    one, two = SEQUENCES.values()
    changed = "C" if one[1234] != "C" else "G"
    for other in (
        {"chr1": one[:1234] + changed + one[1235:], "chr2": two},
        {"chr1": one[:1234] + "N" + one[1235:], "chr2": two},
        {"chr1": one, "chr2": two[:-1]},
        {"chr1": one, "2": two},
        {"chr1": two, "chr2": one},
        {"chr1": one},
        {"chr1": one, "chr2": two, "chr3": "A"},
    ):
        assert fingerprint(tmp_path, other) != own


def test_how_it_is_written_does_not_count(tmp_path: Path) -> None:
    own = fingerprint(tmp_path, SEQUENCES)
    assert fingerprint(tmp_path, SEQUENCES, width=61) == own
    assert fingerprint(tmp_path, SEQUENCES, end="\r\n") == own
    assert fingerprint(tmp_path, dict(reversed(SEQUENCES.items()))) == own
    assert fingerprint(tmp_path, {k: v.lower() for k, v in SEQUENCES.items()}) == own


TEXT = b">a x\nACGT\nac\n>b\n>c>d\nA>C\nN\n\n>e"


@given(st.lists(st.integers(0, len(TEXT)), max_size=6).map(sorted))
def test_where_blocks_end_does_not_count(cuts: list[int]) -> None:
    whole, pieces = AssemblyDigest(), AssemblyDigest()
    whole.add(TEXT)
    for start, end in zip([0, *cuts], [*cuts, len(TEXT)], strict=True):
        pieces.add(TEXT[start:end])
    assert pieces.finish() == whole.finish()
    assert pieces.contigs == whole.contigs == 4


def test_a_digest_beside_another_fasta_is_not_taken(tmp_path: Path) -> None:
    own = fingerprint(tmp_path, SEQUENCES)
    (tmp_path / DIGEST_FILE).write_text("0" * 64)
    assert fingerprint(tmp_path, SEQUENCES) == own


def test_a_header_without_an_end_is_refused() -> None:
    digest = AssemblyDigest()
    digest.add(b">" + b"x" * ((1 << 24) - 2))
    with pytest.raises(InputError, match="longer than 16 MB"):
        digest.add(b"x")
