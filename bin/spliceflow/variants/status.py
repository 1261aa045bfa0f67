"""Why an allele has a score or has none: a closed list of words."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Status of one alternate allele. The value is the word written to VCF and Parquet.

    An allele gets the first word that applies, in the order of this list after ``scored``: the
    shape of the allele first, then the checks of the original tools in their order (gene overlap,
    reference base, length of REF). Genes and lengths are those of the form in which the allele is
    scored; the whole REF of the record is compared with the reference. ``no_sequence`` comes before
    the gene overlap because genes are only kept on contigs the FASTA has.
    """

    SCORED = "scored", "Scored in every gene that overlaps REF of the minimal form."
    MISSING_ALT = "missing_alt", "ALT is '.': the record states no alternate allele."
    STAR = "star", "ALT is '*': the allele is missing because of a deletion further upstream."
    SYMBOLIC = "symbolic", "ALT is symbolic, such as <DEL> or <NON_REF>: its sequence is not given."
    BREAKEND = "breakend", "ALT is a breakend of a rearrangement, such as G[chr22:100[."
    NON_ACGT = "non_acgt", "REF or ALT holds a letter other than A, C, G and T."
    NO_SEQUENCE = (
        "no_sequence",
        "The FASTA does not have the contig (with that length), or POS lies outside of it.",
    )
    NOT_IN_GENE = "not_in_gene", "No gene of the annotation overlaps REF of the minimal form."
    REF_MISMATCH = "ref_mismatch", "REF differs from the FASTA: another assembly, or a wrong POS."
    REF_TOO_LONG = (
        "ref_too_long",
        "REF of the minimal form is longer than twice the distance (--distance).",
    )
    ALT_TOO_LONG = "alt_too_long", "ALT of the minimal form is longer than 10,000 bases."

    description: str

    def __new__(cls, word: str, description: str) -> Status:
        """Make a member whose value is ``word``."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.description = description
        return member


MAX_ALT_LENGTH = 10_000
"""Longest alternate allele that is scored, in bases."""
