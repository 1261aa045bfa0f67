"""Samplesheets as spreadsheets, editors and other pipelines write them: read, or refused in one
sentence that names the user's file, before any process starts."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWO = [["a", "a.vcf"], ["b", "b.vcf"]]
SHEET = "sample,vcf\na,a.vcf\nb,b.vcf\n"
UTF8 = "it has to be UTF-8, save it again so (in Excel: 'CSV UTF-8"
CSV = "a samplesheet has to be a .csv file"
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def workbook() -> bytes:
    """What begins like an .xlsx or .ods file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


# what a file holds, and what has to come of it: [[sample, file], …] or a part of the sentence
SHEETS: dict[str, tuple[bytes | str, object]] = {
    "as it should be": (SHEET, TWO),
    "byte-order mark": ("\ufeff" + SHEET, TWO),
    "CRLF": (SHEET.replace("\n", "\r\n"), TWO),
    "CR alone": (SHEET.replace("\n", "\r"), TWO),
    "byte-order mark and CR alone": ("\ufeff" + SHEET.replace("\n", "\r"), TWO),
    "line ends mixed": ("sample,vcf\r\na,a.vcf\nb,b.vcf\r", TWO),
    "no line end": (SHEET.rstrip(), TWO),
    "semicolons": (SHEET.replace(",", ";"), TWO),
    "tabs": (SHEET.replace(",", "\t"), TWO),
    "bars": (SHEET.replace(",", "|"), TWO),
    "sep=;": ("sep=;\r\n" + SHEET.replace(",", ";"), TWO),
    "SEP=;": ("SEP=;\n" + SHEET.replace(",", ";"), TWO),
    "sep=,": ("sep=,\n" + SHEET, TWO),
    "sep=tab": ("sep=\t\n" + SHEET.replace(",", "\t"), TWO),
    "sep=; in quotes, after a byte-order mark": (
        '\ufeff"sep=;"\r\n' + SHEET.replace(",", ";"),
        TWO,
    ),
    "sep=; and commas in a field": (
        "sep=;\nsample;note;vcf\na;x,y;a.vcf\nb;;b.vcf\n",
        TWO,
    ),
    "rows of commas": ("sample,vcf,,\na,a.vcf,,\n,,,\nb,b.vcf,,\n,,,\n,,,\n", TWO),
    "rows of semicolons": ("sample;vcf;\na;a.vcf;\n;;\nb;b.vcf;\n;;\n", TWO),
    "rows of commas in front": (",,\nsample,vcf,\na,a.vcf,\nb,b.vcf,\n", TWO),
    "empty quoted fields": ('sample,vcf\n"",""\na,a.vcf\n" "," "\nb,b.vcf\n', TWO),
    "empty lines": ("\n\nsample,vcf\n\na,a.vcf\n   \nb,b.vcf\n\n\n", TWO),
    "short rows": ("sample,vcf,note\na,a.vcf\nb,b.vcf,x\n", TWO),
    "all in quotes": ('"sample","vcf"\n"a","a.vcf"\n"b","b.vcf"\n', TWO),
    "blanks around quotes": ('sample, vcf\na, "a.vcf" \n b ,b.vcf\n', TWO),
    "a comma in quotes": ('sample,vcf\na,"x,y.vcf"\n', [["a", "x,y.vcf"]]),
    "quotes in quotes": (
        'sample,note,vcf\na,"say ""a, b""",a.vcf\nb,,b.vcf\n',
        TWO,
    ),
    "a line end in quotes": ('sample,note,vcf\na,"two\nlines",a.vcf\nb,,b.vcf\n', TWO),
    "header in capitals and blanks": ("Sample , VCF\na,a.vcf\nb,b.vcf\n", TWO),
    "blanks that do not break": ("sample,\u00a0vcf\na\u00a0,a.vcf\nb,b.vcf\u00a0\n", TWO),
    "columns the other way round": ("vcf,x,sample\na.vcf,1,a\nb.vcf,2,b\n", TWO),
    "a path with blanks": ("sample,vcf\na,my files/c d.vcf\n", [["a", "c d.vcf"]]),
    "a path from here": ("sample,vcf\na,./my files/../a.vcf\n", [["a", "a.vcf"]]),
    "a letter that is not ASCII": ("sample,vcf\na,données.vcf\n", [["a", "données.vcf"]]),
    "Windows-1252": ("sample,vcf\na,données.vcf\n".encode("cp1252"), UTF8),
    "Windows-1252 in a comment": ("sample,vcf,note\na,a.vcf,5 €\n".encode("cp1252"), UTF8),
    "Latin-1": ("sample,vcf\na,données.vcf\n".encode("latin-1"), UTF8),
    "Mac Roman": ("sample,vcf\ra,données.vcf\r".encode("mac-roman"), UTF8),
    "UTF-16": (SHEET.encode("utf-16"), UTF8),
    "UTF-16, the other order": ("\ufeff".encode("utf-16-be") + SHEET.encode("utf-16-be"), UTF8),
    "UTF-16 without a mark": (SHEET.encode("utf-16-le"), UTF8),
    "UTF-32": (SHEET.encode("utf-32"), UTF8),
    "Unicode text of Excel": (SHEET.replace(",", "\t").encode("utf-16"), UTF8),
    "a workbook": (workbook(), "is a workbook, not text: save the table as 'CSV UTF-8"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is a workbook, not"),
    "empty": ("", "has no columns 'sample' and 'vcf'"),
    "byte-order mark only": ("\ufeff", "has no columns 'sample' and 'vcf'"),
    "no header": ("a,a.vcf\nb,b.vcf\n", "has no columns 'sample' and 'vcf'"),
    "a header only": ("sample,vcf\n,,,\n", "lists no samples"),
    "a column twice": ("sample,vcf,VCF\na,a.vcf,b.vcf\n", "has two columns 'vcf'"),
    "a comma without quotes": ("sample,vcf\na,x,y.vcf\n", "put a field with a comma in double"),
    "a quote that does not end": ('sample,vcf\na,"a.vcf\nb,b.vcf\n', "does not exist"),
    "a field of two lines": ('sample,vcf\na,"a.vcf\nb,b.vcf"\n', "does not exist"),
    "no name": ("sample,vcf\na,a.vcf\n,b.vcf\n", "has no sample or no vcf in row 2"),
    "names in case only": (
        "sample,vcf\nA,a.vcf\na,b.vcf\n",
        "differ in case only, and some file systems take them for one name",
    ),
    "names that are equal": ("sample,vcf\na,a.vcf\na,b.vcf\n", "Two inputs are named 'a'"),
    "a table for a VCF": ("sample,vcf\na,table.tsv\n", "table.tsv is no VCF or BCF"),
    "a workbook for a VCF": ("sample,vcf\na,book.xlsx\n", "book.xlsx is no VCF or BCF"),
}
INPUTS: dict[str, object] = {
    **{
        f"table{ending}": f"is no VCF or BCF, and {CSV} with the columns sample,vcf"
        for ending in (".tsv", ".TSV", ".txt", ".tab", ".tsv.gz", "")
    },
    **{f"book{ending}": CSV for ending in (".xlsx", ".xls", ".ods")},
    "my table.tsv": CSV,
    "table.{tsv,txt}": CSV,
    "text.txt": [["text.txt", "text.txt"]],
    "marked.txt": [["marked.txt", "marked.txt"]],
    "packed.gz": [["packed", "packed.gz"]],
    "[ab].vcf": TWO,
    "alike/*.vcf": "differ in case only",
}
SPECIES: dict[str, tuple[str, bytes | str, object]] = {
    "as Excel writes it": (
        "excel.csv",
        "\ufeffName;Fasta;Annotation;;\r\nyeast;g.fa;g.gtf;;\r\n;;;;\r\n",
        [["yeast", "g.fa", "g.gtf"]],
    ),
    "tabs in a .csv": (
        "tabs.csv",
        "name\tfasta\tannotation\nyeast\tg.fa\tg.gtf\n",
        [["yeast", "g.fa", "g.gtf"]],
    ),
    "Windows-1252": ("latin.csv", "name,fasta,annotation\né,g.fa,g.gtf\n".encode("cp1252"), UTF8),
    "UTF-16": ("wide.csv", "name,fasta,annotation\ny,g.fa,g.gtf\n".encode("utf-16"), UTF8),
    "a .tsv": ("s.tsv", "name\tfasta\tannotation\n", f"{CSV} with the columns name,fasta"),
    "a workbook": ("s.xlsx", workbook(), CSV),
    "a workbook named .csv": ("book.csv", workbook(), "is a workbook, not text"),
    "names in case only": (
        "case.csv",
        "name,fasta,annotation\nYeast,g.fa,g.gtf\nyeast,g.fa,g.gtf\n",
        "the species 'Yeast' and 'yeast' differ in case only",
    ),
    "a name twice": (
        "twice.csv",
        "name,fasta,annotation\nyeast,g.fa,g.gtf\nyeast,g.fa,g.gtf\n",
        "has two species named 'yeast'",
    ),
    "no name": ("none.csv", "name,fasta,annotation\n,g.fa,g.gtf\n", "has no name in row 1"),
}


def as_bytes(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def write_files(folder: Path) -> None:
    """The files that sheets name, and files that are given instead of a sheet."""
    for name in ("my files", "sheets", "alike"):
        (folder / name).mkdir()
    for name in ("a.vcf", "b.vcf", "x,y.vcf", "données.vcf", "my files/c d.vcf", "text.txt"):
        (folder / name).write_text(HEADER)
    for name in ("alike/a.vcf", "alike/A.vcf"):
        (folder / name).write_text(HEADER)
    (folder / "marked.txt").write_text("\ufeff" + HEADER)
    (folder / "packed.gz").write_bytes(gzip.compress(HEADER.encode()))
    for name in ("table.tsv", "table.TSV", "table.txt", "table.tab", "my table.tsv", "table"):
        (folder / name).write_text(SHEET.replace(",", "\t"))
    (folder / "table.tsv.gz").write_bytes(gzip.compress(SHEET.encode()))
    for name in ("book.xlsx", "book.ods"):
        (folder / name).write_bytes(workbook())
    (folder / "book.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    for name in ("g.fa", "g.gtf"):
        (folder / name).write_text("")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> list[tuple[str, str, object, dict]]:
    """Name, file, what is expected and what came out of each case; one start of the engine."""
    folder = tmp_path_factory.mktemp("sheets")
    write_files(folder)
    cases = []
    for number, (name, (content, expected)) in enumerate(SHEETS.items()):
        # beside its files, since a sheet's relative paths are looked for there first
        path = folder / f"sheet {number}.csv"
        path.write_bytes(as_bytes(content))
        cases.append(("inputs", name, path.name, expected))
    # paths of a sheet in another folder are looked for in the working directory
    (folder / "sheets" / "there.CSV").write_text(SHEET)
    cases.append(("inputs", "a sheet elsewhere, named .CSV", "sheets/there.CSV", TWO))
    cases += [("inputs", name, name, expected) for name, expected in INPUTS.items()]
    for name, (file, content, expected) in SPECIES.items():
        (folder / file).write_bytes(as_bytes(content))
        cases.append(("species", name, file, expected))
    (folder / "cases.json").write_text(
        json.dumps([{"call": call, "given": given} for call, _, given, _ in cases])
    )
    environment = os.environ | {"NXF_ANSI_LOG": "false"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["nextflow", "run", ROOT / "tests/pipeline/parameters.nf", "--cases", "cases.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("CASE ")]
    assert len(lines) == len(cases), done.stdout + done.stderr
    return [
        (f"{call}: {name}", given, expected, outcome)
        for (call, name, given, expected), outcome in zip(cases, lines, strict=True)
    ]


def test_every_sheet_is_read_or_refused_in_one_sentence(outcomes) -> None:
    wrong = []
    for name, given, expected, outcome in outcomes:
        if isinstance(expected, str):
            message = outcome.get("error") or ""
            # the sentence names the user's file; a glob names the first of its files
            named = Path(given).name in message or set(given) & set("*{[")
            if expected not in message or "\n" in message or not named:
                wrong.append((name, expected, outcome))
        elif outcome.get("value") != expected:
            wrong.append((name, expected, outcome))
    assert not wrong, "\n".join(map(str, wrong))


def test_names_alike_are_told_with_their_files(outcomes) -> None:
    told = {name: outcome.get("error") for name, _, _, outcome in outcomes}
    message = told["inputs: names in case only"]
    assert "'A' (" in message
    assert "/a.vcf) and 'a' (" in message
    assert "/b.vcf) differ" in message
