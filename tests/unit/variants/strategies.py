"""Random records for property tests: right, wrong, odd, near edges."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from small_cohort import record

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
    alts = draw(
        st.lists(
            st.one_of(sequence, sequence, st.sampled_from(ODD_ALLELES)), min_size=1, max_size=3
        )
    )
    return record(name, pos, ref, ",".join(alts))
