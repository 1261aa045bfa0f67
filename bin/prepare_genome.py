#!/usr/bin/env python3
"""Put a reference sequence into the form the other steps read: one folder, indexed.

Writes to ``--output-dir``:

- ``genome.fa`` or ``genome.fa.gz``: the sequence, unchanged where it can be indexed as it is. A
  gzip file is packed again as bgzip, uneven lines are made even, a byte-order mark is left out,
- its ``.fai`` (and ``.gzi``) index; a sequence without bases is not in it,
- ``contigs.tsv``: columns ``contig`` and ``length`` (bases, may be 0), in the order of the file,
- ``assembly.sha256``: digest of the sequence, by which a score store knows it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.bgzf import BgzipWriter, is_bgzip, is_gzip, read_blocks, read_text
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.assembly import DIGEST_FILE, AssemblyDigest, EvenLines, Output
from spliceflow.genome.fasta import Genome

# First bytes of files that are given for a FASTA by mistake, and what to do about it.
_OTHER_FORMATS: dict[bytes, str] = {
    b"@": "FASTQ, which has reads: give the reference",
    b"LOCUS ": "GenBank: export it as FASTA",
    b"ID   ": "EMBL: export it as FASTA",
    b"##gff": "an annotation: give it as --annotation",
    b"##fileformat=VCF": "VCF: give it as --input",
    b"BCF": "BCF: give it as --input",
    b"BAM\1": "BAM, which has reads: give the reference",
    b"CRAM": "CRAM, which has reads: give the reference",
    b"\x1a\x41\x27\x43": "2bit: turn it into FASTA with twoBitToFa",
    b"\x43\x27\x41\x1a": "2bit: turn it into FASTA with twoBitToFa",
    b"PK\3\4": "a zip archive: unpack it, or pack it with gzip",
    b"BZh": "packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it, or pack it with gzip",
}
_NO_BASES = b"EFILPQ"
"""Letters of amino acids that are no code of a nucleotide, in about a third of a protein."""


def main() -> None:
    """Parse the command line and prepare the genome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA: plain, gzip or bgzip")
    parser.add_argument("--output-dir", type=Path, required=True, help="folder to write")
    parser.add_argument("--threads", type=int, default=1, help="threads to pack gzip as bgzip")
    arguments = parser.parse_args()
    prepare_genome(arguments.fasta, arguments.output_dir, arguments.threads)


def prepare_genome(fasta: Path, output_dir: Path, threads: int = 1) -> None:
    """Copy or pack ``fasta`` into ``output_dir`` and index it there.

    Raises:
        InputError: the file is missing, damaged, or not FASTA.
    """
    if not fasta.is_file():
        raise InputError(f"FASTA file {fasta} does not exist; check --fasta.")
    _check_beginning(fasta)
    with atomic_path(output_dir) as folder:
        folder.mkdir()
        target = folder / ("genome.fa.gz" if is_gzip(fasta) else "genome.fa")
        if _is_as_htslib_wants(fasta):
            # Reading it all finds a damaged or cut off file now, not in the middle of a run.
            digest = _read_all(fasta)
            _place(fasta, target)
        else:
            with _writer(target, threads) as output:
                digest = _read_all(fasta, output)
        checksum = digest.finish()
        contigs = _checked_contigs(fasta, digest)
        # Blanks count in the file, but not in the index.
        if not _is_indexed(fasta, target, contigs) or digest.blanks:
            # The name may be a second one of the user's file: it is taken away, not written to.
            for path in folder.glob(f"{target.name}*"):
                path.unlink()
            with _writer(target, threads) as output:
                _write_even_lines(fasta, output)
            Genome(target).close()
        rows = [f"{contig}\t{length}\n" for contig, length in contigs.items()]
        (folder / "contigs.tsv").write_text("contig\tlength\n" + "".join(rows), encoding="utf-8")
        (folder / DIGEST_FILE).write_text(f"{checksum}\n", encoding="utf-8")
    empty = [contig for contig, length in contigs.items() if not length]
    if empty:
        names = ", ".join(empty[:10]) + (", …" if len(empty) > 10 else "")
        print(f"note: sequences of {fasta} without bases are passed over: {names}", file=sys.stderr)


def _check_beginning(fasta: Path) -> None:
    """Check that ``fasta`` begins as a FASTA of nucleotides does.

    Raises:
        InputError: it does not; the message says what it looks like.
    """
    raw = next(read_blocks(fasta), b"")
    kind = next((words for start, words in _OTHER_FORMATS.items() if raw.startswith(start)), "")
    if kind:
        raise InputError(f"{fasta} is not FASTA but {kind}.")
    if raw[257:262] == b"ustar":
        raise InputError(f"{fasta} is not FASTA but a tar archive: unpack it.")
    text = next(read_text(fasta), b"").lstrip()
    if not text.startswith(b">"):
        raise InputError(f"{fasta} is not FASTA: it does not start with '>'.")
    letters = b"".join(line for line in text.split(b"\n") if not line.startswith(b">")).upper()
    if sum(map(letters.count, _letters(_NO_BASES))) > len(letters) / 10:
        raise InputError(f"{fasta} holds proteins, not nucleotides: give the FASTA of the genome.")
    if letters.count(b"U") > 10 and b"T" not in letters:
        raise InputError(f"{fasta} holds RNA, with U and no T: give the FASTA of the genome.")


def _letters(text: bytes) -> Iterator[bytes]:
    return (text[at : at + 1] for at in range(len(text)))


def _is_as_htslib_wants(fasta: Path) -> bool:
    """Whether htslib may read the file itself: plain or bgzip, from the first ``>`` on."""
    if is_gzip(fasta) and not is_bgzip(fasta):
        return False
    # What read_text leaves out or turns into LF is seen at the beginning.
    return next(read_blocks(fasta)).startswith(b">") and next(read_text(fasta)) == next(
        read_blocks(fasta)
    )


def _checked_contigs(fasta: Path, digest: AssemblyDigest) -> dict[str, int]:
    """Names and lengths of the sequences.

    Raises:
        InputError: a name is missing, is not UTF-8 or stands twice.
    """
    contigs: dict[str, int] = {}
    for number, (raw, length) in enumerate(digest.lengths, 1):
        if not raw:
            raise InputError(
                f"Sequence {number} of {fasta} has no name: write it directly behind the '>'."
            )
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"The name of sequence {number} of {fasta} is not UTF-8 text: rename it."
            ) from error
        if name in contigs:
            raise InputError(f"{fasta} has two sequences named {name!r}: give each its own name.")
        contigs[name] = length
    return contigs


def _is_indexed(fasta: Path, target: Path, contigs: dict[str, int]) -> bool:
    """Whether htslib can index the file, and finds in it what is there."""
    with_bases = {contig: length for contig, length in contigs.items() if length}
    if not with_bases:
        raise InputError(f"{fasta} holds no sequence: give another --fasta.")
    try:
        with Genome(target) as genome:
            return genome.contigs == with_bases
    except InputError:
        return False


def _writer(target: Path, threads: int) -> AbstractContextManager[Output]:
    return BgzipWriter(target, threads) if target.suffix == ".gz" else target.open("wb")


def _read_all(fasta: Path, output: Output | None = None) -> AssemblyDigest:
    """Digest ``fasta``; copy it to ``output`` on the way."""
    digest = AssemblyDigest()
    for block in read_text(fasta):
        digest.add(block)
        if output:
            output.write(block)
    return digest


def _write_even_lines(fasta: Path, output: Output) -> None:
    lines = EvenLines(output)
    for block in read_text(fasta):
        lines.add(block)
    lines.finish()


def _place(source: Path, target: Path) -> None:
    # A link to the name would be broken inside the next step's container, where only this folder
    # is visible; a second name for the same data is not, and costs nothing.
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    run_entrypoint(main)
