"""Shards' scores → one sorted table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cohort import GENES, LABEL, record, score_cohort, score_of, vcf_text
from strategies import records

from spliceflow.errors import InputError
from spliceflow.scores import merge
from spliceflow.scores.merge import merge_scores
from spliceflow.scores.table import SCORE_COLUMNS, SCORE_SCHEMA
from spliceflow.variants.allele_tables import UNSCORED_SCHEMA

CONTIGS = ["chr1", "chr2", "chrM"]


def cohort_of(lines: list[str], folder: Path, fasta: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "in.vcf").write_text(vcf_text(lines))
    return score_cohort([folder / "in.vcf"], fasta, folder)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_rows_are_complete_sorted_and_full_precision(
    data: st.DataObject, small_genome, tmp_path_factory
) -> None:
    lines = data.draw(st.lists(records(small_genome.sequences, 5), max_size=30))
    folder = tmp_path_factory.mktemp("merge")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "ROW_GROUP_ROWS", data.draw(st.sampled_from([1, 4, 1 << 16])))
        table = pq.read_table(cohort_of(lines, folder, small_genome.path))
    assert table.schema.equals(SCORE_SCHEMA, check_metadata=False)
    rows = table.to_pylist()
    rank = {contig: number for number, contig in enumerate(CONTIGS)}
    keys = [
        (
            rank.get(row["contig"], 9),
            row["contig"],
            row["pos"],
            row["ref"],
            row["alt"],
            row["gene"] or "",
        )
        for row in rows
    ]
    assert keys == sorted(set(keys))
    shards = pa.concat_tables(
        [table.slice(0, 0).select(["contig", "pos", "ref", "alt"])]
        + [
            pq.read_table(path).select(["contig", "pos", "ref", "alt"])
            for path in (folder / "shards").iterdir()
        ]
    )
    unscored = pq.read_table(folder / "unscored.parquet")
    assert len(rows) == len(shards) + len(unscored)
    by_id = {gene.gene_id: gene for gene in GENES}
    for row in rows:
        key = (row["contig"], row["pos"], row["ref"], row["alt"])
        if row["status"] == "scored":
            deltas, positions = score_of(key, by_id[row["gene_id"]])
            assert [row[f"ds_{name}"] for name in ("ag", "al", "dg", "dl")] == pytest.approx(deltas)
            assert [row[f"dp_{name}"] for name in ("ag", "al", "dg", "dl")] == positions
        else:
            nulls = [c.name for c in SCORE_COLUMNS[4 : SCORE_SCHEMA.names.index("status")]]
            assert {row[name] for name in nulls} == {None}
        if len(shards):
            assert row["model"] == LABEL.run.model
            assert (row["distance"], row["masked"]) == (LABEL.run.distance, LABEL.run.masked)


def test_counts(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    other = "C" if letter != "C" else "G"
    lines = [record("1", 400, letter, other), record("1", 400, letter, "<DEL>,*,.")]
    cohort_of(lines, tmp_path, small_genome.path)
    merged = merge_scores(
        sorted(tmp_path.glob("scores_*.parquet")),
        tmp_path / "unscored.parquet",
        CONTIGS,
        tmp_path / "again.parquet",
    )
    assert (merged.rows, merged.scored_rows, merged.scored_alleles) == (5, 2, 1)
    assert merged.unscored == {"missing_alt": 1, "star": 1, "symbolic": 1}
    assert (merged.model, merged.annotation) == (LABEL.run.model, LABEL.run.annotation)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "scores.parquet").read_bytes()


def test_a_shard_given_twice_is_noticed(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    cohort_of([record("1", 400, letter, letter + "A")], tmp_path, small_genome.path)
    (shard,) = tmp_path.glob("scores_*.parquet")
    with pytest.raises(InputError, match=r"400 .* stands twice"):
        merge_scores([shard, shard], tmp_path / "unscored.parquet", CONTIGS, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_scores_of_two_runs_are_not_mixed(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    cohort_of([record("1", 400, letter, letter + "A")], tmp_path, small_genome.path)
    (shard,) = tmp_path.glob("scores_*.parquet")
    table = pq.read_table(shard)
    other = table.set_column(
        table.schema.get_field_index("distance"),
        SCORE_SCHEMA.field("distance"),
        pa.array([500] * len(table), pa.int32()),
    )
    pq.write_table(other, tmp_path / "other.parquet")
    with pytest.raises(InputError, match="different models"):
        merge_scores(
            [shard, tmp_path / "other.parquet"],
            tmp_path / "unscored.parquet",
            CONTIGS,
            tmp_path / "x",
        )


@pytest.mark.parametrize("damage", ["cut", "text", "columns", "absent"])
def test_a_damaged_table_is_named(tmp_path: Path, damage: str) -> None:
    unscored, bad = tmp_path / "unscored.parquet", tmp_path / "bad.parquet"
    pq.write_table(UNSCORED_SCHEMA.empty_table(), unscored)
    if damage == "cut":
        pq.write_table(SCORE_SCHEMA.empty_table(), bad)
        bad.write_bytes(bad.read_bytes()[:-20])
    elif damage == "text":
        bad.write_text("hello")
    elif damage == "columns":
        pq.write_table(pa.table({"contig": ["1"]}), bad)
    with pytest.raises(InputError, match=r"bad\.parquet is not a table of scores"):
        merge_scores([bad], unscored, CONTIGS, tmp_path / "x.parquet")


def test_nothing_to_merge(tmp_path: Path) -> None:
    pq.write_table(UNSCORED_SCHEMA.empty_table(), tmp_path / "u.parquet")
    merged = merge_scores([], tmp_path / "u.parquet", CONTIGS, tmp_path / "x.parquet")
    assert merged.rows == 0
    assert pq.read_table(tmp_path / "x.parquet").schema.names == SCORE_SCHEMA.names


def test_every_column_is_described() -> None:
    assert all(column.description.endswith(".") for column in SCORE_COLUMNS)
    assert len({column.name for column in SCORE_COLUMNS}) == len(SCORE_COLUMNS)
    assert SCORE_SCHEMA.field("ds_ag").metadata[b"description"].startswith(b"Delta score")
