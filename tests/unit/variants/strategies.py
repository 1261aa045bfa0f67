"""Random records for property tests, and the rules they are judged by, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from small_cohort import record

from spliceflow.genome.genes import Gene
from spliceflow.variants.status import MAX_ALT_LENGTH

Key = tuple[str, int, str, str]

AMBIGUOUS = {"R": "AG"}

ODD_ALLELES = (
    "<DEL>", "<NON_REF>", "<*>", "*", ".", "N", "AN", "R", "G]chr2:7]", "]<ctg>:5]A", "A.", ".T",
    "C<ctg>", "A-", "é",
)  # fmt: skip
CONTIG_NAMES = {"1": "chr1", "chr1": "chr1", "2": "chr2", "MT": "chrM", "GL9": None, "chrX": None}


@st.composite
def records(draw: Callable, sequences: dict[str, str], distance: int) -> str:
    """One line of a VCF; most REFs agree with ``sequences``."""
    name = draw(st.sampled_from(sorted(CONTIG_NAMES)))
    letters = sequences.get(CONTIG_NAMES[name] or "", "")
    pos = draw(
        st.one_of(
            st.integers(0, len(letters) + 3),
            st.sampled_from([0, 1, 100, 101, 150, 155, 171, 300, 301, 600, 601, 900, 901, 3998]),
        )
    )
    length = draw(st.sampled_from([1, 1, 1, 2, 5, 2 * distance, 2 * distance + 1]))
    start = max(pos - 1, 0)
    ref = letters[start : start + length] or "A"
    ref = draw(st.sampled_from([ref, ref, ref, ref.upper(), "A", ref[::-1], "N", ref + "ACG"]))
    sequence = st.text(alphabet="ACGTacgt", min_size=1, max_size=4)
    # Alleles that share bases with REF at either end, as records of several alleles have them.
    sequence = st.one_of(
        sequence,
        st.builds(
            lambda start, middle, end: ref[:start] + middle + ref[len(ref) - end :] or "A",
            st.integers(0, len(ref)),
            st.text(alphabet="ACGT", max_size=3),
            st.integers(0, len(ref)),
        ),
    )
    alts = draw(
        st.lists(
            st.one_of(sequence, sequence, st.sampled_from(ODD_ALLELES)), min_size=1, max_size=3
        )
    )
    return record(name, pos, ref, ",".join(alts))


def plain_form(key: Key, sequences: dict[str, str]) -> Key:
    """The form in which an allele is scored: the rule, one letter at a time."""
    contig, pos, ref, alt = key
    if not re.fullmatch("[A-Z]+", ref) or not re.fullmatch("[A-Z]+", alt):
        return key
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    if contig in sequences and not agrees(key, sequences[contig]):
        return key
    return contig, pos, ref, alt


def agrees(key: Key, sequence: str) -> bool:
    """Whether REF is what the sequence has there."""
    _, pos, ref, _ = key
    there = sequence.upper()[max(pos - 1, 0) :][: len(ref)]
    return (
        pos >= 1
        and len(there) == len(ref)
        and all(
            base == letter or base in AMBIGUOUS.get(letter, "")
            for base, letter in zip(ref, there, strict=True)
        )
    )


def genes_of(key: Key, genes: Sequence[Gene]) -> list[Gene]:
    """Genes that overlap REF."""
    contig, pos, ref, _ = key
    last = pos + len(ref) - 1
    return [g for g in genes if g.contig == contig and g.tx_start < last and pos <= g.tx_end]


def plain_status(key: Key, sequences: dict[str, str], genes: Sequence[Gene], distance: int) -> str:
    """The rules, one allele at a time."""
    contig, pos, ref, alt = key
    if alt == ".":
        return "missing_alt"
    if alt == "*":
        return "star"
    if alt.startswith("<"):
        return "symbolic"
    if "[" in alt or "]" in alt or (len(alt) > 1 and (alt[0] == ".") != (alt[-1] == ".")):
        return "breakend"
    if "<" in alt or ">" in alt:
        return "symbolic"
    if not re.fullmatch("[ACGT]+", alt) or not re.fullmatch("[ACGT]+", ref):
        return "non_acgt"
    letters = sequences.get(contig, "").upper()
    if not 1 <= pos <= len(letters):
        return "no_sequence"
    if not genes_of(key, genes):
        return "not_in_gene"
    if not agrees(key, letters):
        return "ref_mismatch"
    if len(ref) > 2 * distance:
        return "ref_too_long"
    return "scored" if len(alt) <= MAX_ALT_LENGTH else "alt_too_long"
