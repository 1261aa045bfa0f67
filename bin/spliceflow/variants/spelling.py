"""One allele, many spellings: the form in which an allele is scored.

A VCF record pads an allele with unchanged bases whenever another allele of the record needs them.
The scored form of an allele does not depend on that padding: bases that REF and ALT share at the
end, then those that they share at the beginning, are taken off, and one base of each is left.
Positions are 1-based, alleles upper case.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Spelling = tuple[int, str, str]
"""Position of the first base of REF (1-based), REF, ALT."""


def minimal_form(pos: int, ref: str, alt: str) -> Spelling:
    """Take shared bases off the end, then off the beginning; each allele keeps one base.

    An allele with a character other than a letter (symbolic, breakend, ``*``) is returned as it is.
    """
    if len(ref) == 1 or len(alt) == 1 or not (is_sequence(ref) and is_sequence(alt)):
        return pos, ref, alt
    shortest = min(len(ref), len(alt)) - 1
    end = 0
    while end < shortest and ref[-1 - end] == alt[-1 - end]:
        end += 1
    start = 0
    while start < shortest - end and ref[start] == alt[start]:
        start += 1
    return pos + start, ref[start : len(ref) - end], alt[start : len(alt) - end]


def is_sequence(allele: str) -> bool:
    """Whether an allele consists of ASCII letters."""
    return allele.isascii() and allele.isalpha()


def is_indel(ref: str, alt: str) -> bool:
    """Whether a minimal allele only inserts or only deletes bases."""
    longer, shorter = (ref, alt) if len(ref) > len(alt) else (alt, ref)
    return len(shorter) == 1 < len(longer) and (longer[0] == shorter or longer[-1] == shorter)


def leftmost_form(pos: int, ref: str, alt: str, base: Callable[[int], str]) -> Spelling:
    """Move a minimal insertion or deletion to the leftmost place that gives the same sequence.

    The result has the base before the inserted or deleted bases as its anchor, except at the
    first base of a contig. Other alleles are returned as they are (Tan et al. 2015, vt normalize).

    Args:
        pos: 1-based position of REF.
        ref: REF of the minimal form.
        alt: ALT of the minimal form.
        base: gives the letter of the reference, upper case, at a 1-based position.
    """
    if not is_indel(ref, alt):
        return pos, ref, alt
    longer, shorter = (ref, alt) if len(ref) > len(alt) else (alt, ref)
    if longer[0] == shorter:
        unit = longer[1:]
    elif pos > 1:
        # The anchor stands behind the event: the base before takes its place.
        unit, pos = longer[:-1], pos - 1
    else:
        return pos, ref, alt
    anchor = base(pos)
    shift = 0
    while pos > 1 and unit[-1 - shift % len(unit)] == anchor:
        shift += 1
        pos -= 1
        anchor = base(pos)
    turn = len(unit) - shift % len(unit)
    longer = anchor + unit[turn:] + unit[:turn]
    return (pos, longer, anchor) if len(ref) > len(alt) else (pos, anchor, longer)


def minimal_forms(
    pos: np.ndarray, ref: pa.StringArray, alt: pa.StringArray
) -> tuple[np.ndarray, pa.StringArray, pa.StringArray, np.ndarray]:
    """Minimal form of many alleles.

    Args:
        pos: int64 (n,), 1-based.
        ref: REF of each.
        alt: ALT of each.

    Returns:
        positions, REFs and ALTs of the minimal forms, and bool (n,): whether it is another
        spelling than the one given.
    """
    both_long = pc.and_(pc.greater(pc.binary_length(ref), 1), pc.greater(pc.binary_length(alt), 1))
    changed = np.zeros(len(pos), dtype=bool)
    rows = np.flatnonzero(both_long.to_numpy(zero_copy_only=False))
    if not len(rows):
        return pos, ref, alt, changed
    spellings = list(
        zip(
            pos[rows].tolist(),
            ref.take(pa.array(rows)).to_pylist(),
            alt.take(pa.array(rows)).to_pylist(),
            strict=True,
        )
    )
    forms = [minimal_form(*spelling) for spelling in spellings]
    changed[rows] = [form != spelling for form, spelling in zip(forms, spellings, strict=True)]
    if not changed.any():
        return pos, ref, alt, changed
    pos = pos.copy()
    pos[rows] = [form[0] for form in forms]
    mask = pa.array(np.isin(np.arange(len(pos)), rows))
    ref = pc.replace_with_mask(ref, mask, pa.array([form[1] for form in forms], ref.type))
    alt = pc.replace_with_mask(alt, mask, pa.array([form[2] for form in forms], alt.type))
    return pos, ref, alt, changed
