"""Names of inputs: they become names of files, so they are checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.variants.samplesheet import check_name, name_inputs, name_of, read_samplesheet


def sheet(folder: Path, text: str) -> Path:
    for name in ("a.vcf", "b.vcf.gz", "c d.bcf"):
        (folder / name).touch()
    path = folder / "in.csv"
    path.write_text(text)
    return path


def test_sample_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = sheet(tmp_path, '\ufeffsample , vcf,sex\nA-1,a.vcf,XX\n"B.2","c d.bcf",\n')
    inputs = read_samplesheet(path)
    assert [(entry.sample, str(entry.vcf)) for entry in inputs] == [
        ("A-1", "a.vcf"),
        ("B.2", "c d.bcf"),
    ]


@pytest.mark.parametrize(
    "name",
    ["../x", "a/b", "a b", "$(id)", "a;b", "a'b", 'a"b', "a\nb", ".a", "-rf", "", "é", "a" * 300],
)
def test_names_that_could_do_harm_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="names may have"):
        check_name(name, "The sample")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample,vcf\nx,a.vcf\nX,b.vcf.gz\n", r"'x' \(a.vcf\) and 'X' .* differ in case only"),
        ("sample,vcf\nx,a.vcf\nx,b.vcf.gz\n", "are both named 'x'"),
        ("sample,vcf\nx,absent.vcf\n", r"Line 2 .*'absent.vcf' does not exist"),
        ("sample,vcf\nx\n", "Line 2 .*lacks"),
        ("sample,vcf\n,a.vcf\n", "Line 2 .*lacks"),
        ("sample,vcf\n$(id),a.vcf\n", r"Line 2 .*names may have"),
        ("name,file\nx,a.vcf\n", "columns sample and vcf"),
        ("", "columns sample and vcf"),
        ("sample,vcf\n", "lists no file"),
        ('sample,vcf\nx,"a.vcf\n', "is not CSV"),
    ],
)
def test_wrong_samplesheets(tmp_path: Path, monkeypatch, text: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        read_samplesheet(sheet(tmp_path, text))


def test_names_of_files() -> None:
    assert [name_of(name) for name in ("x/trio.vcf.gz", "a.b.VCF", "c.bcf", ".vcf", "d.txt")] == [
        "trio",
        "a.b",
        "c",
        ".vcf",
        "d.txt",
    ]
    assert [entry.sample for entry in name_inputs(["1/a.vcf", "1/b.vcf"])] == ["a", "b"]
    with pytest.raises(InputError, match="both named"):
        name_inputs(["1/a.vcf", "2/a.vcf.gz"])


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("sample,vcf\n" + text, encoding="utf-8", errors="replace", newline="")
    try:
        inputs = read_samplesheet(path)
    except InputError:
        return
    assert all(entry.vcf.is_file() for entry in inputs)
