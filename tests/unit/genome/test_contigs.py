"""Names of contigs in annotations and VCFs, mapped to the FASTA's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spliceflow.genome.contigs import ContigNames


@pytest.mark.parametrize(
    ("fasta", "name", "expected"),
    [
        (["1", "2"], "1", "1"),
        (["1", "2"], "chr2", "2"),
        (["chr1", "chr2"], "2", "chr2"),
        (["chr1"], "Chr1", "chr1"),
        (["chrM"], "MT", "chrM"),
        (["MT"], "chrM", "MT"),
        (["M"], "chrMT", "M"),
        (["chrX", "chrY"], "NC_000023.11", "chrX"),
        (["NC_000001.11"], "chr1", "NC_000001.11"),
        (["NC_012920.1"], "M", "NC_012920.1"),
        (["1"], "NC_000067.7", "1"),
        # another version of the accession is another sequence
        (["NC_000001.11"], "NC_000001.10", None),
        # an exact match wins over the other spelling
        (["1", "chr1"], "chr1", "chr1"),
        # neither is better than the other
        (["1", "chr1"], "Chr1", None),
        (["1", "chr1"], "NC_000001.11", None),
        # the prefix is removed as a whole, not letter by letter
        (["chrc"], "r", None),
        (["hr"], "chrhr", "hr"),
        (["chr"], "", None),
        (["GL000220.1"], "chrUn_gl000220", None),
    ],
)
def test_names(fasta: list[str], name: str, expected: str | None) -> None:
    assert ContigNames(fasta).resolve(name) == expected


def test_aliases_of_the_annotation() -> None:
    names = ContigNames(["chrI", "chrII"], {"BK006935.2": "I", "AB000001.1": "III"})
    assert names.resolve("BK006935.2") == "chrI"
    assert names.resolve("AB000001.1") is None


@given(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=8), st.text(max_size=8))
def test_every_name_of_the_fasta_is_itself_and_others_are_found_or_not(
    fasta: list[str], name: str
) -> None:
    names = ContigNames(fasta)
    assert all(names.resolve(contig) == contig for contig in fasta)
    assert names.resolve(name) in (*fasta, None)
