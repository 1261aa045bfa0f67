"""Windows as networks read them, and means over an ensemble."""

from __future__ import annotations

import numpy as np
import pytest

from spliceflow.genome.fasta import Genome, encode
from spliceflow.genome.genes import Gene
from spliceflow.scoring.ensemble import mean_probabilities
from spliceflow.scoring.windows import window_codes

SEQUENCE = "ACGTTGCANA"
GENE = Gene("G", "g", "t", "c", "+", 2, 7, (2,), (7,))


@pytest.fixture
def genome(tmp_path):
    (tmp_path / "genome.fa").write_text(f">c\n{SEQUENCE}\n")
    with Genome(tmp_path / "genome.fa") as genome:
        yield genome


@pytest.mark.parametrize(
    ("start", "end", "gene", "letters"),
    [
        (0, 10, None, SEQUENCE),
        (-3, 4, None, "NNNACGT"),
        (8, 13, None, "NANNN"),
        (0, 10, GENE, "NNGTTGCNNN"),
        (3, 6, GENE, "TTG"),
        (-5, 1, GENE, "NNNNNN"),
        (8, 12, GENE, "NNNN"),
    ],
)
def test_what_lies_outside_is_n(genome, start, end, gene, letters) -> None:
    forward = window_codes(genome, "c", start, end, "+", gene)
    np.testing.assert_array_equal(forward, encode(letters))
    complement = letters.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    reverse = window_codes(genome, "c", start, end, "-", gene)
    np.testing.assert_array_equal(reverse, encode(complement))


def test_the_mean_is_taken_of_probabilities_not_of_logits() -> None:
    logits = np.log(np.array([[[0.9, 0.05, 0.05]], [[0.1, 0.8, 0.1]]], np.float32)) + 5
    mean = mean_probabilities(logits)
    np.testing.assert_allclose(mean, [[0.5, 0.425, 0.075]], atol=1e-6)
    np.testing.assert_array_equal(mean, mean_probabilities(list(logits)))
    cooler = mean_probabilities(logits[:1], temperature=2.0)
    roots = np.sqrt([0.9, 0.05, 0.05])
    np.testing.assert_allclose(cooler[0], roots / roots.sum(), atol=1e-6)
