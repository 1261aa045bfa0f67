"""The score store: what is found in it, what is added to it, and that it never changes a result."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSelector, FileSystem, FileType
from small_cohort import GENES, RUN, record, score_cohort, score_shard, vcf_text

from spliceflow.errors import InputError
from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_annotation
from spliceflow.scores import store as score_store
from spliceflow.scores.merge import merge_scores
from spliceflow.scores.precomputed import ImportCounts, read_precomputed
from spliceflow.scores.store import (
    FORMAT,
    Lookup,
    ScoreStore,
    ScoringRun,
    folder_of,
    select_rows,
)
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.jobs import CohortShards, shard_cohort

BIN = Path(__file__).parents[3] / "bin"


def records(sequences: dict[str, str], step: int = 7) -> list[str]:
    """SNVs along the genes, one of them in two genes, one in none."""
    found = []
    for contig, name in (("chr1", "1"), ("chr2", "2")):
        for pos in range(101, 900, step):
            ref = sequences[contig][pos - 1].upper()
            if ref in "ACGT":
                found.append(record(name, pos, ref, "ACGT"["ACGT".index(ref) - 1]))
    return found


@pytest.fixture
def key(genome: Genome) -> ScoringRun:
    return replace(RUN, assembly=assembly_fingerprint(genome))


@pytest.fixture
def vcf(small_genome, tmp_path: Path) -> Path:
    path = tmp_path / "all.vcf"
    path.write_text(vcf_text(records(small_genome.sequences)))
    return path


def run_with_store(
    vcf: Path,
    fasta: Path,
    folder: Path,
    store: ScoreStore,
    key: ScoringRun,
    genes: Sequence[Gene] = GENES,
) -> tuple[CohortShards, Path]:
    """Shard, score what is new, merge, and add the new to the store."""
    folder.mkdir()
    with Genome(fasta) as genome:
        cohort = shard_cohort(
            [vcf],
            genome,
            genes,
            RUN.distance,
            folder / "shards",
            folder / "unscored.parquet",
            folder / "spellings.parquet",
            50.0,
            lambda pos, ref, alt: np.full(len(pos), 10.0),
            take_known=partial(store.take_known, Lookup(key, folder / "known.parquet")),
        )
        contigs = list(genome.contigs)
    scores = []
    for shard in cohort.shards:
        scores.append(folder / f"scores_{shard.path.name}")
        score_shard(shard.path, scores[-1], genes)
    merge_scores(
        [*scores, folder / "known.parquet"],
        folder / "unscored.parquet",
        contigs,
        folder / "scores.parquet",
    )
    store.append(key, map(pq.read_table, scores))
    return cohort, folder / "scores.parquet"


def test_a_second_run_scores_only_what_is_new(small_genome, genome, key, vcf, tmp_path):
    whole = records(small_genome.sequences)
    first = tmp_path / "first.vcf"
    first.write_text(vcf_text(whole[::3]))
    plain = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    store = ScoreStore(tmp_path / "store")

    one, _ = run_with_store(first, small_genome.path, tmp_path / "one", store, key)
    assert (one.known.rows, one.known.alleles) == (0, 0)
    two, table = run_with_store(vcf, small_genome.path, tmp_path / "two", store, key)
    assert pq.read_table(table).equals(plain)
    assert two.known.rows == sum(shard.rows for shard in one.shards) > 0
    scored = sum(status == "scored" for status in plain.column("status").to_pylist())
    assert two.known.rows + sum(shard.rows for shard in two.shards) == scored
    assert two.counts == one_counts(vcf, genome, tmp_path)

    three, table = run_with_store(vcf, small_genome.path, tmp_path / "three", store, key)
    assert three.shards == ()
    assert three.known.rows == scored
    assert three.known.alleles < scored, "an allele in two genes is one allele"
    assert pq.read_table(table).equals(plain)


def test_genes_of_one_name_keep_their_own_scores(small_genome, genome, key, vcf, tmp_path):
    lines = [
        "ONE\t1\t+\t100\t900\t100,800,\t200,900,",
        "ONE\t1\t+\t300\t900\t300,800,\t400,900,",
        "ONE\t1\t-\t300\t600\t300,\t600,",
    ]
    table = tmp_path / "genes.tsv"
    table.write_text("\n".join(lines) + "\n")
    genes = read_annotation(table, contigs=genome.contigs).genes
    store = ScoreStore(tmp_path / "store")
    arguments = (vcf, small_genome.path)
    one, scored = run_with_store(*arguments, tmp_path / "one", store, key, genes)
    two, found = run_with_store(*arguments, tmp_path / "two", store, key, genes)
    rows = [
        row
        for row in pq.read_table(scored).to_pylist()
        if (row["contig"], row["pos"]) == ("chr1", 402)
    ]
    assert len({(row["ds_ag"], row["strand"], row["transcript_id"]) for row in rows}) == 3
    assert two.known.rows == sum(shard.rows for shard in one.shards)
    assert pq.read_table(found).equals(pq.read_table(scored))


def one_counts(vcf: Path, genome: Genome, folder: Path) -> dict[tuple[str, str], int]:
    return shard_cohort(
        [vcf],
        genome,
        GENES,
        RUN.distance,
        folder / "counted",
        folder / "counted.parquet",
        folder / "spellings.parquet",
        1e9,
        lambda pos, ref, alt: np.ones(len(pos)),
    ).counts


@pytest.mark.parametrize(
    "change",
    [
        {"model": "ffffffffffff"},
        {"annotation": "ffffffffffff"},
        {"assembly": "ffffffffffff"},
        {"distance": 6},
        {"masked": True},
        {"calibrated": True},
        {"precision": "fp16"},
    ],
)
def test_scores_made_with_something_else_are_not_found(
    small_genome, key, vcf, tmp_path, change: dict
):
    store = ScoreStore(tmp_path / "store")
    run_with_store(vcf, small_genome.path, tmp_path / "one", store, key)
    with Genome(small_genome.path) as genome:
        other = shard_cohort(
            [vcf],
            genome,
            GENES,
            RUN.distance,
            tmp_path / "shards",
            tmp_path / "unscored.parquet",
            tmp_path / "spellings.parquet",
            50.0,
            lambda pos, ref, alt: np.full(len(pos), 10.0),
            take_known=partial(
                store.take_known, Lookup(replace(key, **change), tmp_path / "known.parquet")
            ),
        )
    assert other.known.rows == 0
    assert other.shards


def test_rows_of_another_run_are_refused(small_genome, key, vcf, tmp_path):
    table = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    store = ScoreStore(tmp_path / "store")
    unscored = [row | {"status": "not_in_gene"} for row in table.slice(0, 1).to_pylist()]
    with pytest.raises(InputError, match="status not_in_gene"):
        store.append(key, [pa.Table.from_pylist(unscored, SCORE_SCHEMA)])
    with pytest.raises(InputError, match="distance 5 can't be stored as scores with distance 6"):
        store.append(replace(key, distance=6), [table])
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_many_writers_at_once_lose_and_change_nothing(small_genome, key, vcf, tmp_path):
    table = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    table = table.filter(pa.array([s == "scored" for s in table.column("status").to_pylist()]))
    # Pieces overlap, and some are equal.
    pieces = [table.slice(start % len(table), 40) for start in (0, 20, 40, 0, 60, 20, 90, 120)]
    location = tmp_path / "store"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda piece: ScoreStore(location).append(key, [piece]), pieces))
    files = sorted(location.rglob("*"))
    assert not [path for path in files if path.name.endswith(".partial")]
    assert sum(path.is_file() for path in files) == 6, "equal pieces are one file"
    found = pa.concat_tables(select_rows(ScoreStore(location), None, tmp_path))
    expected = pa.concat_tables(pieces).to_pylist()
    assert row_set(found.to_pylist()) == row_set(expected)
    assert len(found) == len(row_set(expected)), "each row once"

    before = {path: path.read_bytes() for path in files if path.is_file()}
    ScoreStore(location).append(key, [table])
    assert all(path.read_bytes() == content for path, content in before.items())


def test_many_rows_are_several_files(small_genome, key, vcf, tmp_path, monkeypatch):
    table = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    table = table.filter(pa.array([s == "scored" for s in table.column("status").to_pylist()]))
    monkeypatch.setattr(score_store, "_FILE_ROWS", 60)
    monkeypatch.setattr(score_store, "_ROW_GROUP_ROWS", 20)
    location = tmp_path / "store"
    assert ScoreStore(location).append(key, [table]) == len(table) > 120
    files = list(location.rglob("*.parquet"))
    lengths = sorted(pq.ParquetFile(path).metadata.num_rows for path in files)
    assert sum(lengths) == len(table)
    assert lengths[-1] <= 80
    found = pa.concat_tables(select_rows(ScoreStore(location), None, tmp_path))
    assert row_set(found.to_pylist()) == row_set(table.to_pylist())
    ScoreStore(location).append(key, [table])
    assert set(location.rglob("*.parquet")) == set(files)


def row_set(rows: list[dict]) -> set[tuple]:
    return {tuple(row[name] for name in SCORE_SCHEMA.names) for row in rows}


def test_readers_pass_over_unfinished_files(small_genome, key, vcf, tmp_path):
    location = tmp_path / "store"
    run_with_store(vcf, small_genome.path, tmp_path / "one", ScoreStore(location), key)
    (location / folder_of(key) / "abc.partial").write_bytes(b"half a file")
    cohort, _ = run_with_store(vcf, small_genome.path, tmp_path / "two", ScoreStore(location), key)
    assert cohort.shards == ()


def test_a_damaged_file_is_one_sentence(small_genome, key, vcf, tmp_path):
    location = tmp_path / "store"
    run_with_store(vcf, small_genome.path, tmp_path / "one", ScoreStore(location), key)
    next((location / FORMAT).rglob("*.parquet")).write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"can't be read.*delete that file"):
        run_with_store(vcf, small_genome.path, tmp_path / "two", ScoreStore(location), key)


def test_a_store_behind_a_uri(small_genome, key, vcf, tmp_path):
    store = ScoreStore((tmp_path / "store").as_uri())
    (tmp_path / "store" / folder_of(key)).mkdir(parents=True)
    run_with_store(vcf, small_genome.path, tmp_path / "one", store, key)
    cohort, _ = run_with_store(vcf, small_genome.path, tmp_path / "two", store, key)
    assert cohort.shards == ()
    with pytest.raises(InputError, match="nowhere://bucket can't be opened"):
        ScoreStore("nowhere://bucket")


@pytest.fixture
def bucket(monkeypatch) -> Iterator[str]:
    """An empty bucket of a server of S3 on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"lab-{uuid.uuid4().hex}"  # servers of one process share their buckets
    FileSystem.from_uri(f"s3://{name}?allow_bucket_creation=true")[0].create_dir(name)
    yield f"s3://{name}/scores"
    server.stop()


def test_a_store_in_a_bucket(bucket, small_genome, key, vcf, tmp_path):
    first = tmp_path / "first.vcf"
    first.write_text(vcf_text(records(small_genome.sequences)[::3]))
    plain = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    store = ScoreStore(bucket)
    one, _ = run_with_store(first, small_genome.path, tmp_path / "one", store, key)
    two, table = run_with_store(vcf, small_genome.path, tmp_path / "two", store, key)
    assert two.known.rows == sum(shard.rows for shard in one.shards) > 0
    assert pq.read_table(table).equals(plain)
    with pytest.raises(InputError, match="there is no bucket lba; check the name"):
        ScoreStore("s3://lba/scores")


def test_writers_into_a_bucket_lose_nothing(bucket, small_genome, key, vcf, tmp_path):
    table = pq.read_table(score_cohort([vcf], small_genome.path, tmp_path / "plain"))
    table = table.filter(pa.array([s == "scored" for s in table.column("status").to_pylist()]))
    pieces = [table.slice(start % len(table), 40) for start in (0, 20, 40, 0)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda piece: ScoreStore(bucket).append(key, [piece]), pieces))
    found = pa.concat_tables(select_rows(ScoreStore(bucket), None, tmp_path))
    assert row_set(found.to_pylist()) == row_set(pa.concat_tables(pieces).to_pylist())
    files, root = FileSystem.from_uri(bucket)
    listed = files.get_file_info(FileSelector(root, recursive=True))
    kept = [info.base_name for info in listed if info.type == FileType.File]
    assert len(kept) == 3, "equal pieces are one object"
    assert all(name.endswith(".parquet") for name in kept)


def scored_vcf(path: Path, entries: list[tuple[str, int, str, str, str]]) -> Path:
    path.write_text(
        vcf_text([record(*entry[:4], f"AC=1;SpliceAI={entry[4]}") for entry in entries])
    )
    return path


def test_imported_scores_are_taken_and_marked(small_genome, genome, key, tmp_path):
    letters = small_genome.sequences["chr1"].upper()
    ref, alt = letters[399], "ACGT"["ACGT".index(letters[399]) - 1]
    numbers = "0.01|0.00|0.91|0.02|-3|5|0|1"
    path = scored_vcf(
        tmp_path / "spliceai.vcf",
        [
            ("1", 400, ref, f"{alt}", f"{alt}|ONE|{numbers},{alt}|OTHER|{numbers}"),
            ("1", 401, letters[400], "<DEL>", f"<DEL>|ONE|{numbers}"),
            ("1", 402, "A" if letters[401] != "A" else "C", "T", f"T|ONE|{numbers}"),
            ("1", 403, letters[402], "ACC", "ACC|ONE|.|.|.|.|.|.|.|."),
            ("9", 403, letters[402], "ACC", f"ACC|ONE|{numbers}"),
        ],
    )
    counts = ImportCounts()
    store = ScoreStore(tmp_path / "store")
    store.append(key, read_precomputed(path, "SpliceAI", key, GENES, genome, counts), imported=True)
    assert counts == ImportCounts(
        records=5,
        entries=6,
        rows=1,
        no_score=1,
        other_gene=1,
        other_reference=2,
        other_allele=1,
    )
    cohort, table = run_with_store(path, small_genome.path, tmp_path / "run", store, key)
    assert (cohort.known.rows, cohort.known.imported) == (1, 1)
    row = next(
        row for row in pq.read_table(table).to_pylist() if (row["pos"], row["gene"]) == (400, "ONE")
    )
    assert [row[name] for name in ("dp_ag", "dp_al", "dp_dg", "dp_dl")] == [-3, 5, 0, 1]
    assert row["ds_dg"] == pytest.approx(0.91)
    # The other gene at 400 was not imported, nor was 403 in both: these were scored.
    assert sum(shard.rows for shard in cohort.shards) == 3

    # A score of our own is preferred to a rounded one.
    own = pa.Table.from_pylist([row | {"ds_dg": 0.25}], SCORE_SCHEMA)
    store.append(key, [own])
    again, table = run_with_store(path, small_genome.path, tmp_path / "again", store, key)
    assert again.known.imported == 0
    assert {row["ds_dg"] for row in pq.read_table(table).to_pylist() if row["gene"] == "ONE"} >= {
        0.25
    }


def test_entries_that_may_be_of_several_genes_are_not_imported(genome, key, small_genome, tmp_path):
    letters = small_genome.sequences["chr1"].upper()
    twin = replace(GENES[0], gene_id="G9", transcript_id="T9", tx_start=500)
    refs = {pos: letters[pos - 1] for pos in (400, 401, 402, 550)}
    alts = {pos: "ACGT"["ACGT".index(ref) - 1] for pos, ref in refs.items()}

    def entry(pos: int, score: float) -> str:
        return f"{alts[pos]}|ONE|{score}|0.00|0.00|0.00|1|1|1|1"

    path = scored_vcf(
        tmp_path / "spliceai.vcf",
        [
            ("1", 400, refs[400], alts[400], entry(400, 0.1)),
            # two entries of one name, in one record and in two
            ("1", 401, refs[401], alts[401], f"{entry(401, 0.0)},{entry(401, 0.9)}"),
            ("1", 402, refs[402], alts[402], entry(402, 0.0)),
            ("1", 402, refs[402], alts[402], entry(402, 0.9)),
            # two genes of one name
            ("1", 550, refs[550], alts[550], entry(550, 0.9)),
        ],
    )
    counts = ImportCounts()
    tables = read_precomputed(path, "SpliceAI", key, [*GENES, twin], genome, counts)
    rows = [row for table in tables for row in table.to_pylist()]
    assert [(row["pos"], row["gene_id"]) for row in rows] == [(400, "G1")]
    assert counts == ImportCounts(records=5, entries=6, rows=1, ambiguous_gene=5)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("T|ONE|0.1|0.2", "does not have 10 fields"),
        ("T|ONE|0.1|0.2|x|0|1|1|1|1", "are not scores"),
        ("T|ONE|0.1|0.2|nan|0|1|1|1|1", "beyond 0 to 1"),
        ("T|ONE|0.1|0.2|0.3|0|1|1|1|44", "44 bases away"),
    ],
)
def test_entries_that_are_no_scores(small_genome, genome, key, tmp_path, entry, message):
    pos = small_genome.sequences["chr1"].index("A", 200) + 1
    path = scored_vcf(tmp_path / "bad.vcf", [("1", pos, "A", "T", entry)])
    with pytest.raises(InputError, match=message):
        list(read_precomputed(path, "SpliceAI", key, GENES, genome, ImportCounts()))


def query(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BIN / "spliceflow-scores", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_queries(small_genome, key, vcf, tmp_path):
    location = tmp_path / "store"
    _, table = run_with_store(vcf, small_genome.path, tmp_path / "one", ScoreStore(location), key)
    rows = [row for row in pq.read_table(table).to_pylist() if row["status"] == "scored"]

    def found(*arguments: object, cwd: Path | None = None) -> list[tuple[str, ...]]:
        done = query(location, *arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr
        header, *lines = [line.split("\t") for line in done.stdout.splitlines()]
        named = [dict(zip(header, line, strict=True)) for line in lines]
        return [(row["contig"], row["pos"], row["ref"], row["alt"], row["gene"]) for row in named]

    def expected(keep) -> list[tuple[str, ...]]:
        return [
            (row["contig"], str(row["pos"]), row["ref"], row["alt"], row["gene"])
            for row in rows
            if keep(row)
        ]

    assert found() == expected(lambda row: True)
    assert found("--region", "1:201-4,00") == expected(
        lambda row: row["contig"] == "chr1" and 201 <= row["pos"] <= 400
    )
    bed = tmp_path / "regions.bed"
    bed.write_text("track name=x\nchr2\t200\t400\n")
    assert found("--region", bed, "--gene", "G4", "--min-score", "0.9") == expected(
        lambda row: (
            row["contig"] == "chr2"
            and 201 <= row["pos"] <= 400
            and max(row[name] for name in ("ds_ag", "ds_al", "ds_dg", "ds_dl")) >= np.float32(0.9)
        )
    )
    parquet = tmp_path / "found.parquet"
    assert query(location, "--gene", "IN;ONE", "--output", parquet).returncode == 0
    assert set(pq.read_table(parquet).column("gene").to_pylist()) == {"IN;ONE"}
    # As many digits as were asked for are enough, though no float32 is 0.9.
    some = next(
        row
        for row in rows
        if row["ds_ag"] == max(row[name] for name in ("ds_ag", "ds_al", "ds_dg", "ds_dl"))
        and float(str(np.float32(row["ds_ag"]))) > row["ds_ag"]
    )
    least = str(np.float32(some["ds_ag"]))
    assert (some["contig"], str(some["pos"]), some["ref"], some["alt"], some["gene"]) in found(
        "--min-score", least
    )
    # A file that is called as a contig is not read.
    (tmp_path / "chr2").write_text("chr1\t0\t4000\n")
    assert found("--region", "chr2", cwd=tmp_path) == expected(lambda row: row["contig"] == "chr2")
    backwards = tmp_path / "backwards.bed"
    backwards.write_text("chr2\t400\t200\n")
    for wrong in (
        ["--region", ""],
        ["--region", "1:,"],
        ["--region", "1:400-201"],
        ["--region", "absent.bed"],
        ["--region", backwards],
    ):
        done = query(location, *wrong)
        assert (done.returncode, done.stderr[:7]) == (2, "error: "), done.stderr
    assert query(tmp_path / "nowhere").returncode == 2
