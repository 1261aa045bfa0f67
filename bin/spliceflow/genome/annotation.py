"""Transcripts from GTF and GFF3 files as GENCODE, Ensembl, RefSeq and others write them.

The readers take what these dialects have in common and nothing else: exons (or, where a file has
none, coding and untranslated parts and codons), the transcript they belong to, the transcript's
gene, and what the file says about both. Coordinates are turned from the files' 1-based inclusive
into 0-based half-open.
"""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from sys import intern
from urllib.parse import unquote

from spliceflow.bgzf import read_lines
from spliceflow.errors import InputError

_EXON, _CODING, _UNTRANSLATED, _CODON = "exon", "CDS", "UTR", "codon"
# Third column in lower case → kind of part. AUGUSTUS names coding parts by their place, too.
_PARTS: dict[str, str] = {
    "exon": _EXON,
    **dict.fromkeys(("cds", "initial", "internal", "terminal", "single"), _CODING),
    **dict.fromkeys(("utr", "five_prime_utr", "three_prime_utr"), _UNTRANSLATED),
    **dict.fromkeys(("5utr", "3utr", "5'utr", "3'utr", "5'-utr", "3'-utr"), _UNTRANSLATED),
    **dict.fromkeys(("start_codon", "stop_codon"), _CODON),
}

_GENE_IDS = ("gene_id", "geneID")
_GENE_NAMES = ("gene_name", "gene", "gene_symbol", "ref_gene_name")
# What an exon may say of its gene; its Name is its own.
_OF_THE_GENE = frozenset((*_GENE_IDS, *_GENE_NAMES, "locus"))
_ATTRIBUTES = _OF_THE_GENE | frozenset(
    (
        *("Name", "name", "locus_tag", "transcript_id", "gene_type", "gene_biotype"),
        *("transcript_type", "transcript_biotype", "biotype", "ebi_biotype", "gene_ebi_biotype"),
    )
)
_GTF_ATTRIBUTE = re.compile(r'([^\s;"=]+)\s+(?:"([^"]*)"|([^\s;]+))')
_GTF_GENE = re.compile(r'(?:^|[\s;])gene_id\s+(?:"([^"]*)"|([^\s;]+))')
_GTF_TRANSCRIPT = re.compile(r'(?:^|[\s;])transcript_id\s+(?:"([^"]*)"|([^\s;]+))')
_BARE = re.compile(r'\s*"?([^\s;"=]+)"?\s*;?\s*')
_GFF3_ATTRIBUTE = re.compile(r'[^\s;="]+\s*=')
_ID_PREFIX = re.compile(r"^(gene|rna|transcript)[:-]", re.IGNORECASE)
_GFF3_SPELLINGS = {"id": "ID", "parent": "Parent"}
_GFF3_LISTS = frozenset(("Parent", "tag"))


@dataclass(frozen=True, slots=True)
class Transcript:
    """A transcript as annotated (coordinates 0-based, half-open).

    Attributes:
        gene_key: what tells the gene from every other gene of the file: contig, strand, identifier
            and, where an identifier stands for several loci, the number of the locus.
        gene_id: gene identifier as a user would write it.
        gene_name: gene symbol; the identifier if there is none.
        transcript_id: transcript identifier.
        contig: contig, named as in the annotation.
        strand: ``+`` or ``-``.
        start: first base of the transcript.
        end: end of the transcript.
        exons: (start, end) of each exon, ascending; touching exons are one.
        coding_bases: number of bases in coding parts.
        biotype: the gene's biotype, or the transcript's if the gene has none; may be empty.
        tags: lower-case words of the ``tag`` attribute, spaces as underscores.
    """

    gene_key: tuple[str, str, str, int]
    gene_id: str
    gene_name: str
    transcript_id: str
    contig: str
    strand: str
    start: int
    end: int
    exons: tuple[tuple[int, int], ...]
    coding_bases: int
    biotype: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class AnnotatedTranscripts:
    """What a GTF or GFF3 file holds.

    Attributes:
        format: ``GTF`` or ``GFF3``.
        transcripts: every transcript with an exon, in the order of the file.
        unusable: transcripts left out: without exons, without a strand, or on both strands.
        chromosomes: contig → chromosome, where ``region`` lines of a GFF3 file say so.
        without_exons: transcripts whose exons were put together from other parts.
        without_gene: transcripts that name no gene, each of which counts as a gene of its own.
    """

    format: str
    transcripts: tuple[Transcript, ...]
    unusable: int
    chromosomes: dict[str, str]
    without_exons: int = 0
    without_gene: int = 0


@dataclass(slots=True)
class _Feature:
    """A gene or transcript while its lines are being collected."""

    kind: str = ""
    parent: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    start: int | None = None
    end: int | None = None
    # Starts and ends in turn, by kind: an annotation of a mammal has millions of them.
    pieces: dict[str, array[int]] = field(default_factory=dict)
    places: set[tuple[str, str]] = field(default_factory=set)

    def add_piece(self, kind: str, start: int, end: int) -> None:
        piece = self.pieces.get(kind)
        if piece is None:
            piece = self.pieces[kind] = array("q")
        piece.append(start)
        piece.append(end)

    def add_all(self, other: _Feature) -> None:
        """Take over what is known of the same feature from other lines."""
        for kind in other.pieces:
            for start, end in other.ranges(kind):
                self.add_piece(kind, start, end)
        self.places |= other.places
        self.tags |= other.tags
        self.attributes = other.attributes | self.attributes
        self.start = other.start if self.start is None else self.start
        self.end = other.end if self.end is None else self.end

    @property
    def has_parts(self) -> bool:
        """Whether an exon is known, or what one can be put together from."""
        return any(kind in self.pieces for kind in (_EXON, _CODING, _UNTRANSLATED))

    def ranges(self, kind: str) -> Iterator[tuple[int, int]]:
        flat = self.pieces.get(kind, ())
        return zip(flat[::2], flat[1::2], strict=True)


def annotation_format(path: str | os.PathLike[str]) -> str:
    """``GTF``, ``GFF3`` or ``SpliceAI``, by the first line that tells.

    A line whose ninth column is empty or a bare identifier, as AUGUSTUS writes those of genes,
    does not.

    Raises:
        InputError: the file is none of these, or is empty.
    """
    has_lines = False
    for line in read_lines(path):
        text = line.decode("utf-8", "replace")
        if text.startswith("#NAME\t"):
            return "SpliceAI"
        if text.startswith("##FASTA"):
            break
        if _says_nothing(text):
            continue
        columns = text.split("\t")
        if len(columns) >= 9:
            has_lines = True
            attributes = columns[8].strip()
            if _GFF3_ATTRIBUTE.match(attributes):
                return "GFF3"
            if _GTF_ATTRIBUTE.match(attributes):
                return "GTF"
            continue
        if len(columns) == 7 and columns[2] in ("+", "-"):
            return "SpliceAI"
        break
    if has_lines:
        raise InputError(
            f'{path} is neither GTF nor GFF3: no line has attributes such as \'gene_id "A"; '
            "transcript_id \"A.1\";' or 'ID=A.1;Parent=A' in its ninth column."
        )
    raise InputError(
        f"{path} is not an annotation: it has to be GTF, GFF3 or SpliceAI's table, separated by "
        "tabs."
    )


def _says_nothing(text: str) -> bool:
    """Whether a line is empty, a comment, or one of a genome browser's."""
    return not text.strip() or text.startswith(("#", "track ", "browser "))


def read_gtf(path: str | os.PathLike[str]) -> AnnotatedTranscripts:
    """Read a GTF file (plain, gzip or bgzip).

    Transcripts are told apart by ``transcript_id``, ``gene_id``, contig and strand; one whose
    ``transcript`` line repeats elsewhere is one at each place. Gene and transcript lines are not
    needed, and may hold a bare identifier, as those of AUGUSTUS and BRAKER do. A gene whose lines
    and transcripts do not overlap is one gene at each locus. Transcripts without a gene of their
    own that share a gene's name are one gene.

    Raises:
        InputError: a line is malformed; the message names it.
    """
    name = Path(path).name
    genes: dict[tuple[str, str, str], dict[str, str]] = {}
    gene_ranges: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    transcripts: dict[tuple[str, str, str, str], _Feature] = {}
    repeated: dict[tuple[str, str, str, str], list[tuple[int, int]]] = {}
    for number, contig, feature, start, end, strand, text in _lines(path):
        part = _PARTS.get(feature)
        if not part and feature not in ("gene", "transcript", "mrna"):
            continue
        if part and (match := _GTF_TRANSCRIPT.search(text)):
            # The parts of a transcript repeat its attributes; reading them once is enough.
            gene = _GTF_GENE.search(text)
            gene_id = (gene[1] or gene[2] or "") if gene else ""
            known = transcripts.get((contig, strand, gene_id, match[1] or match[2] or ""))
            if known:
                known.add_piece(part, start, end)
                continue
        attributes: dict[str, str] = {}
        tags: set[str] = set()
        for key, quoted, bare in _GTF_ATTRIBUTE.findall(text):
            if key == "tag":
                tags.add(_tag(quoted or bare))
            elif key in _ATTRIBUTES:
                attributes.setdefault(key, quoted or bare)
        if not part and not attributes and (identifier := _BARE.fullmatch(text)):
            attributes["gene_id" if feature == "gene" else "transcript_id"] = identifier[1]
        gene_id = attributes.get("gene_id", "")
        if feature == "gene":
            genes.setdefault((contig, strand, gene_id), attributes)
            gene_ranges.setdefault((contig, strand, gene_id), []).append((start, end))
            continue
        # Filtered models of JGI have a name instead.
        transcript_id = _first(attributes, "transcript_id", "name")
        if not transcript_id:
            if part == _CODON:
                continue
            raise InputError(
                f"Line {number} of {name} has no transcript_id; every {feature} of a GTF needs one."
            )
        place = (contig, strand, gene_id, transcript_id)
        record = transcripts.setdefault(place, _Feature())
        record.places.add((contig, strand))
        record.tags |= tags
        for key, value in attributes.items():
            record.attributes.setdefault(key, value)
        if not part:
            if record.start is not None and record.end is not None:
                repeated.setdefault(place, [(record.start, record.end)]).append((start, end))
            record.start, record.end = start, end
        else:
            record.add_piece(part, start, end)
    _join_parts_without_a_gene(transcripts, repeated)
    kept: list[Transcript] = []
    unusable = without_exons = without_gene = 0
    for place in list(transcripts):
        contig, strand, gene_id, transcript_id = place
        for record in _divided(transcripts.pop(place), repeated.get(place, ())):
            own = record.attributes
            gene_id = own.get("gene_id", "") or transcript_id
            of_gene = genes.get((contig, strand, gene_id))
            gene_name = _first((of_gene or {}) | own, *_GENE_NAMES)
            if gene_id == transcript_id and of_gene is None and gene_name:
                # UCSC's tables and others write the transcript where the gene belongs.
                gene_id = gene_name
            transcript = _transcript(
                record,
                gene_key=gene_id,
                gene_id=gene_id,
                gene_name=gene_name or gene_id,
                transcript_id=transcript_id,
                biotype=_first(own, "gene_type", "gene_biotype")
                or _first(of_gene or {}, "gene_type", "gene_biotype", "biotype")
                or _first(own, "transcript_type", "transcript_biotype", "biotype"),
            )
            if transcript:
                kept.append(transcript)
                without_exons += _EXON not in record.pieces
                without_gene += not own.get("gene_id") and not gene_name
            else:
                unusable += 1
    return AnnotatedTranscripts(
        "GTF", tuple(_with_loci(kept, gene_ranges)), unusable, {}, without_exons, without_gene
    )


def _join_parts_without_a_gene(
    transcripts: dict[tuple[str, str, str, str], _Feature],
    repeated: dict[tuple[str, str, str, str], list[tuple[int, int]]],
) -> None:
    """Give what lines without ``gene_id`` say to the only transcript of that name there is."""
    nameless = [place for place in transcripts if not place[2]]
    if not nameless:
        return
    named: dict[tuple[str, str, str], list[tuple[str, str, str, str]]] = {}
    for place in transcripts:
        contig, strand, gene_id, transcript_id = place
        if gene_id:
            named.setdefault((contig, strand, transcript_id), []).append(place)
    for place in nameless:
        contig, strand, _, transcript_id = place
        found = named.get((contig, strand, transcript_id), ())
        if len(found) == 1:
            transcripts[found[0]].add_all(transcripts.pop(place))
            if place in repeated:
                repeated.setdefault(found[0], []).extend(repeated.pop(place))


def _divided(record: _Feature, lines: Sequence[tuple[int, int]]) -> list[_Feature]:
    """One feature for each place of ``lines``, the ranges of a repeated ``transcript`` line."""
    loci = _joined(lines)
    if not loci:
        return [record]
    if len(loci) == 1:
        record.start, record.end = loci[0]
        return [record]
    found = [
        _Feature("", "", record.attributes, record.tags, start, end, places=record.places)
        for start, end in loci
    ]
    starts = [start for start, _ in loci]
    for kind in record.pieces:
        for start, end in record.ranges(kind):
            found[max(0, bisect_right(starts, start) - 1)].add_piece(kind, start, end)
    return found


def _with_loci(
    transcripts: Sequence[Transcript],
    gene_ranges: Mapping[tuple[str, str, str], Sequence[tuple[int, int]]],
) -> list[Transcript]:
    """Number the loci of genes whose transcripts, and gene lines, do not overlap."""
    by_gene: dict[tuple[str, str, str, int], list[int]] = {}
    for row, transcript in enumerate(transcripts):
        by_gene.setdefault(transcript.gene_key, []).append(row)
    numbered = list(transcripts)
    for (contig, strand, gene, _), rows in by_gene.items():
        if len(rows) == 1:
            continue
        ranges = [(transcripts[row].start, transcripts[row].end) for row in rows]
        loci = _joined([*ranges, *gene_ranges.get((contig, strand, gene), ())])
        starts = [start for start, _ in loci]
        for row in rows:
            locus = bisect_right(starts, transcripts[row].start) - 1
            if locus:
                numbered[row] = replace(transcripts[row], gene_key=(contig, strand, gene, locus))
    return numbered


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that overlap made one, ascending."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def read_gff3(path: str | os.PathLike[str]) -> AnnotatedTranscripts:
    """Read a GFF3 file (plain, gzip or bgzip).

    A transcript is whatever exons or coding parts name as their parent; its gene is the first
    ancestor that is called one, or else the topmost. Parts whose parent is the gene itself make a
    transcript of their own. An ID that stands on several contigs is another feature on each; a
    parent is looked for on the same contig first. What is its own parent has none.

    Where the gene has no line, as gffread leaves it, transcripts whose lines name the same one
    (``Parent``, ``geneID``, ``gene_id``, ``gene``, ``gene_name``, ``locus``) are one gene, at each
    locus where they overlap. Where no part of the file has a parent, parts of one
    ``transcript_id``, or coding parts of one ID, are a transcript.

    Raises:
        InputError: a line is malformed; the message names it.
    """
    features: dict[tuple[str, str], _Feature] = {}
    parentless: dict[tuple[str, str], _Feature] = {}
    chromosomes: dict[str, str] = {}
    for _, written_contig, feature, start, end, strand, text in _lines(path):
        contig = intern(unquote(written_contig)) if "%" in written_contig else written_contig
        attributes = _gff3_attributes(text)
        part = _PARTS.get(feature)
        if feature == "region" and attributes.get("genome") in ("chromosome", "mitochondrion"):
            mitochondrion = attributes["genome"] == "mitochondrion"
            name = "MT" if mitochondrion else attributes.get("chromosome", "")
            if name:
                chromosomes[contig] = name
        elif part:
            parents = _gff3_list(attributes, "Parent")
            for parent in parents:
                record = features.setdefault((contig, parent), _Feature())
                record.add_piece(part, start, end)
                record.places.add((contig, strand))
                if record.start is None and not record.attributes:
                    record.attributes = _chosen(attributes, _OF_THE_GENE)
            if not parents and (identifier := _transcript_of_a_part(attributes, part)):
                record = parentless.setdefault((contig, identifier), _Feature(feature))
                record.add_piece(part, start, end)
                record.places.add((contig, strand))
                record.attributes = record.attributes or _chosen(attributes, _ATTRIBUTES)
        elif identifier := attributes.get("ID", ""):
            record = features.setdefault((contig, identifier), _Feature())
            parents = _gff3_list(attributes, "Parent")
            record.kind = feature
            record.parent = parents[0] if parents and identifier not in parents else ""
            record.attributes = _chosen(attributes, _ATTRIBUTES)
            record.tags = {_tag(tag) for tag in _gff3_list(attributes, "tag")}
            record.places.add((contig, strand))
            # Lines that share an ID are one feature in pieces.
            record.start = start if record.start is None else min(record.start, start)
            record.end = end if record.end is None else max(record.end, end)
    if not any(record.has_parts for record in features.values()):
        features = parentless
    only_place = _only_places(features)
    for place in [place for place, record in features.items() if record.start is None]:
        # Parts that name a feature of another contig belong to it.
        if place[1] in only_place:
            features[only_place[place[1]]].add_all(features.pop(place))
    parents_here = {(contig, record.parent) for (contig, _), record in features.items()}
    kept: list[tuple[Transcript, bool]] = []
    unusable = without_exons = without_gene = 0
    for place, record in features.items():
        if not record.has_parts:
            continue
        _, identifier = place
        top = _topmost(place, features, only_place, path)
        own, of_gene = record.attributes, features[top].attributes
        # A gene that has no line of its own is known by its name only.
        is_gene = features[top].kind.endswith("gene")
        has_line = is_gene or top != place or place in parents_here
        named = "" if is_gene else features[top].parent
        if not named and not has_line:
            named = _first(own, *_GENE_IDS, *_GENE_NAMES, "locus")
        gene_id = _first(own | of_gene, *_GENE_IDS) or _ID_PREFIX.sub("", named or top[1])
        gene_name = _first(own, *_GENE_NAMES)
        if not named:
            gene_name = _first(of_gene, *_GENE_NAMES, "Name", "locus_tag") or gene_name
        transcript = _transcript(
            record,
            gene_key=named or top[1],
            gene_id=gene_id,
            gene_name=gene_name or gene_id,
            transcript_id=_first(own, "transcript_id") or _ID_PREFIX.sub("", identifier),
            biotype=_first(of_gene, "gene_type", "gene_biotype", "biotype", "ebi_biotype")
            or _first(own, "gene_type", "gene_biotype", "gene_ebi_biotype")
            or _first(own, "transcript_type", "transcript_biotype", "biotype"),
        )
        if transcript:
            kept.append((transcript, bool(named)))
            without_exons += _EXON not in record.pieces
            without_gene += not named and not has_line and features is not parentless
        else:
            unusable += 1
    numbered = iter(_with_loci([transcript for transcript, named in kept if named], {}))
    transcripts = tuple(next(numbered) if named else transcript for transcript, named in kept)
    return AnnotatedTranscripts(
        "GFF3", transcripts, unusable, chromosomes, without_exons, without_gene
    )


def _transcript_of_a_part(attributes: dict[str, str], part: str) -> str:
    """What a part without a parent says of its transcript; empty if nothing."""
    # An exon's own ID tells it from the other exons of its transcript.
    own = ("ID", "locus_tag", "gene_id", "Name") if part == _CODING else ()
    return _first(attributes, "transcript_id", *own)


def _lines(
    path: str | os.PathLike[str],
) -> Iterator[tuple[int, str, str, int, int, str, str]]:
    """Yield line number, contig, feature, start, end (0-based half-open), strand, attributes.

    Features are in lower case.
    """
    name = Path(path).name
    for number, line in enumerate(read_lines(path), 1):
        if not line or line[0] == ord("#"):
            if line.startswith(b"##FASTA"):
                return
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"Line {number} of {name} is not UTF-8 text; convert the annotation."
            ) from error
        columns = text.split("\t")
        if len(columns) > 9 and not any(columns[9:]):
            del columns[9:]
        if len(columns) != 9:
            if _says_nothing(text):
                continue
            raise InputError(
                f"Line {number} of {name} has {len(columns)} columns separated by tabs, not the 9 "
                "of GTF and GFF3."
            )
        contig, _, feature, first, last, _, strand, _, attributes = columns
        if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
            raise InputError(
                f"Line {number} of {name}: start {first!r} or end {last!r} is not a number."
            )
        start, end = int(first[:12]) - 1, int(last[:12])
        if not 0 <= start < end < 2**31:
            raise InputError(
                f"Line {number} of {name}: {first}-{last} is not a range of 1-based positions."
            )
        # Few contigs, features and strands: one copy of each is enough.
        feature = intern(feature.lower())
        yield number, intern(contig), feature, start, end, intern(strand), attributes


def _gff3_attributes(text: str) -> dict[str, str]:
    """Attributes by name, decoded; ``Parent`` and ``tag`` as written, see :func:`_gff3_list`."""
    attributes: dict[str, str] = {}
    for item in text.split(";"):
        written, separator, value = item.strip().partition("=")
        if separator:
            written = unquote(written.rstrip())
            name = _GFF3_SPELLINGS.get(written.lower(), written)
            if name != written and name in attributes:
                continue
            value = value.strip().removeprefix('"').removesuffix('"')
            decoded = "%" in value and name not in _GFF3_LISTS
            attributes[name] = unquote(value) if decoded else value
    return attributes


def _gff3_list(attributes: dict[str, str], name: str) -> list[str]:
    # A comma separates values; one inside a value is written %2C.
    return [unquote(value) for value in attributes.get(name, "").split(",") if value]


def _chosen(attributes: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name in names}


def _tag(value: str) -> str:
    return value.strip().lower().replace(" ", "_")


def _first(attributes: dict[str, str], *names: str) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _only_places(features: Mapping[tuple[str, str], _Feature]) -> dict[str, tuple[str, str]]:
    """Where the feature of an ID has its line, for IDs that have one on a single contig."""
    found: dict[str, tuple[str, str]] = {}
    several: set[str] = set()
    for place, record in features.items():
        if record.start is not None and found.setdefault(place[1], place) != place:
            several.add(place[1])
    return {identifier: place for identifier, place in found.items() if identifier not in several}


def _topmost(
    place: tuple[str, str],
    features: Mapping[tuple[str, str], _Feature],
    only_place: Mapping[str, tuple[str, str]],
    path: str | os.PathLike[str],
) -> tuple[str, str]:
    """Contig and ID of a feature's gene, or of its topmost ancestor if none of them is one."""
    seen = {place}
    gene = None
    while True:
        # What a gene is part of, an operon or a cluster, has other genes.
        if gene is None and features[place].kind.endswith("gene"):
            gene = place
        parent = features[place].parent
        if not parent:
            break
        above = (place[0], parent)
        if above not in features:
            if parent not in only_place:
                break
            above = only_place[parent]
        if above in seen:
            raise InputError(f"Feature {place[1]!r} of {path} is among its own parents.")
        seen.add(above)
        place = above
    return gene or place


def _transcript(
    record: _Feature,
    *,
    gene_key: str,
    gene_id: str,
    gene_name: str,
    transcript_id: str,
    biotype: str,
) -> Transcript | None:
    """Put a transcript together; None if it has no exon, or not one contig and strand."""
    if not record.has_parts or len(record.places) != 1:
        return None
    # Codons may be cut by an intron, and a stop codon may be no part of the CDS.
    kinds = [_EXON] if _EXON in record.pieces else list(record.pieces)
    pieces = sorted(piece for kind in kinds for piece in record.ranges(kind))
    ((contig, strand),) = record.places
    if strand not in ("+", "-"):
        return None
    exons: list[tuple[int, int]] = []
    for start, end in pieces:
        if exons and start <= exons[-1][1]:
            exons[-1] = (exons[-1][0], max(end, exons[-1][1]))
        else:
            exons.append((start, end))
    first, last = exons[0][0], exons[-1][1]
    return Transcript(
        gene_key=(contig, strand, gene_key, 0),
        gene_id=gene_id,
        gene_name=gene_name,
        transcript_id=transcript_id,
        contig=contig,
        strand=strand,
        start=first if record.start is None else min(record.start, first),
        end=last if record.end is None else max(record.end, last),
        exons=tuple(exons),
        coding_bases=sum(end - start for start, end in record.ranges(_CODING)),
        biotype=biotype,
        tags=frozenset(record.tags),
    )
