from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_genes
from spliceflow.genome.splice_sites import splice_sites
from spliceflow.training.dataset import SplitSettings, divide, gene_models, taught_sequences
from spliceflow.training.sequences import gene_sequence
from spliceflow.training.shards import TaughtSequence, WindowSource, read_shard, write_shards


def test_labels_stand_on_consensus_sites_of_both_strands(small_genome: tuple) -> None:
    fasta, table = small_genome
    strands = set()
    with Genome(fasta) as genome:
        for gene in read_genes(table):
            strands.add(gene.strand)
            sequence = gene_sequence(genome, gene)
            acceptors = np.flatnonzero(sequence.labels == 1)
            donors = np.flatnonzero(sequence.labels == 2)
            assert acceptors.size == donors.size == len(gene.exon_starts) - 1
            for at in donors:  # GT follows the last exonic base
                assert sequence.codes[at + 1 : at + 3].tolist() == [2, 3]
            for at in acceptors:  # AG precedes the first exonic base
                assert sequence.codes[at - 2 : at].tolist() == [0, 2]
                position = sequence.genome_position(int(at))
                assert position in {*gene.exon_starts, *(end - 1 for end in gene.exon_ends)}
    assert strands == {"+", "-"}


def test_a_frameshift_is_no_intron() -> None:
    gene = Gene("g", "g", "g", "1", "+", 0, 300, (0, 101, 200), (100, 150, 300))
    (acceptors, _), (donors, _) = splice_sites(gene)
    assert acceptors.tolist() == [200]
    assert donors.tolist() == [149]


@pytest.mark.parametrize("method", ["genes", "contigs"])
def test_splits_are_disjoint_and_complete(small_genome: tuple, method: str) -> None:
    fasta, table = small_genome
    models = gene_models(read_genes(table))
    settings = SplitSettings(method=method, test_share=0.3, validation_share=0.3)
    with Genome(fasta) as genome:
        division = divide(models, genome, settings)
        again = divide(models, genome, settings)
    names = [{model.gene.name for model in split} for split in division.splits.values()]
    assert all(names)
    for a, b in itertools.combinations(names, 2):
        assert not a & b
    assert set().union(*names) == {model.gene.name for model in models}
    assert division == again


def test_human_split_keeps_odd_chromosomes_for_the_test(small_genome: tuple) -> None:
    fasta, table = small_genome
    with Genome(fasta) as genome:
        division = divide(gene_models(read_genes(table)), genome, SplitSettings(method="human"))
    assert {model.gene.contig for model in division.splits["test"]} == {"chr1", "chr3"}
    assert {model.gene.contig for model in division.splits["train"]} == {"chr2"}


def test_a_copy_of_a_training_gene_is_left_out_of_the_test(small_genome: tuple) -> None:
    fasta, table = small_genome
    genes = read_genes(table)
    # chr1 is tested; a gene of chr2 that is also "on chr1" makes a perfect paralog.
    original = next(gene for gene in genes if gene.contig == "chr2")
    twin = replace(original, name="twin", gene_id="twin")
    with Genome(fasta) as genome:

        class Renamed(Genome):
            """The same sequence under the name of a test chromosome too."""

            def __init__(self) -> None:
                self.contigs = {**genome.contigs, "chr5": genome.contigs["chr2"]}

            def codes(self, contig: str, start: int, end: int) -> np.ndarray:
                return genome.codes("chr2" if contig == "chr5" else contig, start, end)

        models = gene_models([*genes, replace(twin, contig="chr5")])
        division = divide(models, Renamed(), SplitSettings(method="human", validation_share=0.0))
    reasons = {one.name: one.reason for one in division.left_out}
    assert reasons["twin"] == f"paralog_of_{original.name}"
    assert "twin" not in {model.gene.name for model in division.splits["test"]}


def test_a_split_that_would_be_empty_is_refused(small_genome: tuple) -> None:
    fasta, table = small_genome
    only = [gene for gene in read_genes(table) if gene.contig == "chr2"]
    with Genome(fasta) as genome, pytest.raises(InputError, match="test split would be empty"):
        divide(gene_models(only), genome, SplitSettings(method="human"))


def test_genes_without_introns_or_sequence_are_left_out_with_a_reason(small_genome: tuple) -> None:
    fasta, table = small_genome
    genes = read_genes(table)
    single = Gene("single", "single", "s", "chr1", "+", 10, 200, (10,), (200,))
    absent = replace(genes[0], name="absent", gene_id="absent", contig="chrQ")
    with Genome(fasta) as genome:
        division = divide(gene_models([*genes, single, absent]), genome, SplitSettings())
    reasons = {one.name: one.reason for one in division.left_out}
    assert reasons["single"] == "no_intron"
    assert reasons["absent"] == "no_sequence"


def test_sites_of_all_transcripts_of_a_gene_are_labels() -> None:
    first = Gene("g", "g", "t1", "1", "+", 0, 400, (0, 200), (100, 400))
    second = Gene("g", "g", "t2", "1", "+", 50, 500, (50, 300), (150, 500))
    (model,) = gene_models([first, second])
    assert (model.gene.tx_start, model.gene.tx_end) == (0, 500)
    assert len(model.transcripts) == 2


def taught(length: int, seed: int) -> TaughtSequence:
    rng = np.random.default_rng(seed)
    return TaughtSequence(
        f"gene{seed}",
        "1",
        rng.integers(0, 4, length + 20).astype(np.uint8),
        rng.random(length).astype(np.float16) / 2,
        rng.random(length).astype(np.float16) / 2,
        np.ones(length, np.float16),
    )


def test_shards_give_back_what_was_written(tmp_path) -> None:
    sequences = [taught(length, length) for length in (100, 350, 40)]
    paths = write_shards(sequences, tmp_path, shard_bases=300)
    assert len(paths) == 2
    back = [sequence for path in paths for sequence in read_shard(path)]
    for expected, actual in zip(sequences, back, strict=True):
        assert expected.name == actual.name
        for column in ("codes", "acceptor", "donor", "weight"):
            assert np.array_equal(getattr(expected, column), getattr(actual, column))


def test_a_window_is_cut_around_its_targets() -> None:
    sequence = taught(30, 1)
    window = sequence.window(25, 10, 40)
    assert window.codes.size == 50
    # Base 25 of the targets is base 35 of the codes, 20 bases before it begin the window.
    assert np.array_equal(window.codes[:35], sequence.codes[15:])
    assert (window.codes[35:] == 4).all()
    assert window.weight.tolist() == [1] * 5 + [0] * 5


def test_an_epoch_shows_every_base_once_and_is_fixed_by_seed_and_number(tmp_path) -> None:
    write_shards([taught(length, length) for length in (95, 210, 33)], tmp_path, shard_bases=200)
    paths = sorted(tmp_path.glob("*.parquet"))
    source = WindowSource(paths, 10, 50, 4, seed=3)
    first, again, other = (list(source.epoch(number)) for number in (0, 0, 1))
    assert len(first) == source.batches_per_epoch()
    assert sum(batch.weight.sum() for batch in first) == 95 + 210 + 33
    assert all(np.array_equal(a.codes, b.codes) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].codes, other[0].codes)
    for batch in first:
        assert np.allclose(batch.target.sum(1), 1, atol=1e-3)


def test_sampled_windows_crowd_around_heavy_bases(tmp_path) -> None:
    heavy = np.ones(5_000, np.float16)
    heavy[3_000] = 30
    base = taught(5_000, 2)
    write_shards([replace(base, weight=heavy)], tmp_path)
    source = WindowSource(sorted(tmp_path.glob("*.parquet")), 10, 50, 10, seed=1, sampled_share=2.0)
    windows = [row for batch in source.epoch(0) for row in batch.weight]
    assert len(windows) == 200
    assert 0.7 < np.mean([row.max() > 1 for row in windows]) <= 1


def test_taught_sequences_are_mixed_the_same_way_each_time(small_genome: tuple) -> None:
    fasta, table = small_genome
    models = gene_models(read_genes(table))
    with Genome(fasta) as genome:
        first = [s.name for s in taught_sequences(models, genome, 1)]
        again = [s.name for s in taught_sequences(models, genome, 1)]
    assert first == again
    assert sorted(first) == sorted(model.gene.name for model in models)
    assert first != [model.gene.name for model in models]
