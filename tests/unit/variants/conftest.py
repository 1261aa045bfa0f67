"""A small genome and genes on it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_cohort import GENES

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene


@dataclass(frozen=True)
class SmallGenome:
    """A genome file and its sequences by contig."""

    path: Path
    sequences: dict[str, str]


@pytest.fixture(scope="session")
def small_genome(tmp_path_factory: pytest.TempPathFactory) -> SmallGenome:
    source = random.Random(7)
    sequences = {
        "chr1": "".join(source.choices("ACGT", k=4000)),
        "chr2": "".join(source.choices("acgt", k=1500)),
        "chrM": "".join(source.choices("ACGT", k=300)),
    }
    # No known base, and an ambiguous one, where genes are.
    one = sequences["chr1"]
    sequences["chr1"] = one[:150] + "N" * 10 + one[160:170] + "R" + one[171:]
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in sequences.items()))
    return SmallGenome(path, sequences)


@pytest.fixture
def genome(small_genome: SmallGenome) -> Iterator[Genome]:
    with Genome(small_genome.path) as opened:
        yield opened


@pytest.fixture
def genes() -> list[Gene]:
    return list(GENES)
