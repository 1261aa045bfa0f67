"""Shards: everything once, a gene together, no dearer than allowed, the same in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cohort import GENES, vcf_text
from strategies import records

from spliceflow.genome.fasta import Genome
from spliceflow.variants.allele_tables import JOB_SCHEMA, UNSCORED_SCHEMA
from spliceflow.variants.jobs import shard_cohort, write_shards


def cost(pos: np.ndarray, ref_length: np.ndarray, alt_length: np.ndarray) -> np.ndarray:
    return 10.0 + np.minimum(np.diff(pos, prepend=-np.inf), 40) + ref_length + alt_length


rows_of_genes = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(1, 300),
        st.sampled_from(["A", "AC", "ACGT"]),
        st.sampled_from(["C", "G", "T", "TT"]),
    ),
    unique=True,
    max_size=60,
)


@settings(deadline=None)
@given(rows_of_genes, st.floats(10, 2000), st.integers(1, 20))
def test_cuts(tmp_path_factory, rows, max_cost: float, step: int) -> None:
    rows = sorted(rows)
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    table = pa.table(
        [
            pa.array(["chr1"] * len(rows), pa.string()),
            columns[1],
            columns[2],
            columns[3],
            columns[0],
        ],
        schema=JOB_SCHEMA,
    )
    folder = tmp_path_factory.mktemp("shards")
    # The tables a shard is cut from may end anywhere.
    parts = [table.slice(start, step) for start in range(0, len(table), step)]
    shards = write_shards(parts, folder, max_cost, cost)
    assert sorted(folder.iterdir()) == [shard.path for shard in shards]
    tables = [pq.read_table(shard.path) for shard in shards]
    assert pa.concat_tables([JOB_SCHEMA.empty_table(), *tables]) == table
    gene_cost: dict[int, float] = {}
    for gene in set(columns[0]):
        pos = np.array([row[1] for row in rows if row[0] == gene])
        lengths = [np.array([len(row[c]) for row in rows if row[0] == gene]) for c in (2, 3)]
        gene_cost[gene] = float(cost(pos, *lengths).sum())
    for shard, part in zip(shards, tables, strict=True):
        assert shard.rows == len(part) > 0
        if shard.cost > max_cost * (1 + 1e-9):
            assert (
                len(set(zip(part["gene_row"].to_pylist(), part["pos"].to_pylist(), strict=True)))
                == 1
            )
    for gene, total in gene_cost.items():
        holders = [part for part in tables if gene in part["gene_row"].to_pylist()]
        if total <= max_cost:
            assert len(holders) == 1
        places = [
            set(part.filter(pa.compute.field("gene_row") == gene)["pos"].to_pylist())
            for part in holders
        ]
        assert sum(map(len, places)) == len(set().union(*places)), "one position in two shards"


def test_a_large_gene_is_cut_where_neighbours_are_far(tmp_path: Path) -> None:
    pos = np.concatenate([np.arange(100, 150), np.arange(10_000, 10_050)])
    table = pa.table(
        [["chr1"] * 100, pos, ["A"] * 100, ["C"] * 100, np.zeros(100, np.int32)],
        schema=JOB_SCHEMA,
    )
    shards = write_shards([table], tmp_path, 700.0, lambda p, r, a: np.full(len(p), 10.0))
    assert [shard.rows for shard in shards] == [50, 50]


def test_a_shard_never_holds_more_rows_than_a_task_can_keep(tmp_path: Path, monkeypatch) -> None:
    """However little the alleles cost."""
    monkeypatch.setattr("spliceflow.variants.jobs.MOST_ROWS", 20)
    table = pa.table(
        [["chr1"] * 100, np.arange(100, 200), ["A"] * 100, ["C"] * 100, np.zeros(100, np.int32)],
        schema=JOB_SCHEMA,
    )
    shards = write_shards([table], tmp_path, 1e9, lambda p, r, a: np.full(len(p), 1.0))
    assert sum(shard.rows for shard in shards) == 100
    assert max(shard.rows for shard in shards) <= 20


def run(folder: Path, files: list[str], genome_path: Path, max_cost: float = 500.0):
    folder.mkdir(parents=True)
    paths = []
    for number, text in enumerate(files):
        paths.append(folder / f"{number}.vcf")
        paths[-1].write_text(text)
    with Genome(genome_path) as genome:
        cohort = shard_cohort(
            paths,
            genome,
            GENES,
            5,
            folder / "shards",
            folder / "unscored.parquet",
            folder / "spellings.parquet",
            max_cost,
            cost,
        )
    return cohort


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_order_of_records_and_files_does_not_matter(
    data: st.DataObject, small_genome, tmp_path_factory
) -> None:
    lines = data.draw(st.lists(records(small_genome.sequences, 5), max_size=30))
    other = data.draw(st.permutations(lines))
    cut = data.draw(st.integers(0, len(lines)))
    folder = tmp_path_factory.mktemp("order")
    first = run(folder / "a", [vcf_text(lines)], small_genome.path)
    second = run(
        folder / "b", [vcf_text(other[cut:]), vcf_text(other[:cut] + other)], small_genome.path
    )
    assert first.counts == second.counts
    assert first.foreign == second.foreign
    assert [shard.rows for shard in first.shards] == [shard.rows for shard in second.shards]
    for shard, twin in zip(first.shards, second.shards, strict=True):
        assert shard.path.read_bytes() == twin.path.read_bytes()
        assert pq.read_schema(shard.path).names == JOB_SCHEMA.names
    unscored = [pq.read_table(folder / run / "unscored.parquet") for run in "ab"]
    assert unscored[0] == unscored[1]
    assert unscored[0].schema.equals(UNSCORED_SCHEMA)
    scored = sum(count for (_, status), count in first.counts.items() if status == "scored")
    assert scored + len(unscored[0]) == first.unique_alleles == sum(first.counts.values())


def test_an_empty_cohort_has_no_shard(tmp_path: Path, small_genome) -> None:
    cohort = run(tmp_path / "a", [vcf_text([])], small_genome.path)
    assert cohort.shards == ()
    assert cohort.unique_alleles == 0
    assert len(pq.read_table(tmp_path / "a" / "unscored.parquet")) == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "0.vcf",
        "shards",
        "spellings.parquet",
        "unscored.parquet",
    ]


def test_nothing_is_left_behind_after_an_error(tmp_path: Path, small_genome) -> None:
    with pytest.raises(Exception, match="POS is not a number"):
        run(tmp_path / "a", [vcf_text(["1\tx\t.\tA\tC\t.\t.\t."])], small_genome.path)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["0.vcf"]
