from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("torch", reason="a network is made with PyTorch: run 'make setup-training'")
import itertools

import torch

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome, reverse_complement
from spliceflow.genome.genes import read_genes
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import MemberWeights
from spliceflow.scoring.ensemble import mean_probabilities
from spliceflow.scoring.regions import Region
from spliceflow.scoring.sessions import choose_device
from spliceflow.scoring.track_table import TRACK_SCHEMA, merge_tracks, write_tracks
from spliceflow.scoring.tracks import TrackPredictor
from spliceflow.training import channels_last
from spliceflow.training.calibration import CalibrationSample, calibrate
from spliceflow.training.dataset import gene_models, taught_sequences
from spliceflow.training.evaluation import evaluate
from spliceflow.training.members import state_dict_of


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    members = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        config = DilatedCnn.of_context(80)
        members.append(MemberWeights.from_state_dict(config, state_dict_of(SpliceNetwork(config))))
    return write_bundle(tmp_path_factory.mktemp("b") / "bundle", BundleCard("tiny"), members)


def predictor(bundle: Bundle, tile: int, threads: int = 1) -> TrackPredictor:
    return TrackPredictor(bundle, choose_device("cpu"), threads=threads, tile=tile)


def test_channels_that_fill_no_block_are_read(tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = DilatedCnn.of_context(80, channels=12)
    network = SpliceNetwork(config).eval()
    members = [MemberWeights.from_state_dict(config, state_dict_of(network))]
    made = write_bundle(tmp_path / "bundle", BundleCard("odd"), members)
    codes = np.random.default_rng(5).integers(0, 5, 380).astype(np.uint8)
    found = predictor(made, 512).probabilities(codes)
    with torch.no_grad():
        expected = torch.softmax(network(channels_last.one_hot(torch.from_numpy(codes[None]))), 1)
    np.testing.assert_allclose(found, expected[0].T.numpy(), atol=1e-5)


def test_pieces_equal_the_whole_bit_for_bit(bundle: Bundle, small_genome: tuple) -> None:
    fasta, _ = small_genome
    model = predictor(bundle, 512)
    with Genome(fasta) as genome:
        length = genome.contigs["chr1"]
        for strand in "+-":
            whole = list(model.tracks(genome, [Region("chr1", 0, length, strand)]))
            cuts = [0, 1, 511, 512, 513, 1_000, 2_047, length]
            regions = [Region("chr1", a, b, strand) for a, b in itertools.pairwise(cuts)]
            pieces = list(predictor(bundle, 512, 2).tracks(genome, regions))
            for kind in ("acceptor", "donor"):
                expected = np.concatenate([getattr(track, kind) for track in whole])
                actual = np.concatenate([getattr(track, kind) for track in pieces])
                assert expected.shape == (length,)
                assert np.array_equal(expected, actual)


def test_tiles_of_any_size_agree(bundle: Bundle) -> None:
    codes = np.random.default_rng(1).integers(0, 5, 700).astype(np.uint8)
    whole, tiled = (predictor(bundle, tile).sequence(codes) for tile in (1_000, 64))
    assert np.allclose(whole, tiled, atol=1e-6)


def test_the_minus_strand_is_the_reverse_complement(bundle: Bundle, small_genome: tuple) -> None:
    fasta, _ = small_genome
    model = predictor(bundle, 10_000)
    with Genome(fasta) as genome:
        length = genome.contigs["chr2"]
        (minus,) = model.tracks(genome, [Region("chr2", 0, length, "-")])
        turned = model.sequence(reverse_complement(genome.codes("chr2", 0, length)))
    assert np.array_equal(minus.donor, turned[::-1, 2])


def test_a_gene_is_read_with_nothing_around_it(bundle: Bundle, small_genome: tuple) -> None:
    fasta, table = small_genome
    model = predictor(bundle, 300)
    with Genome(fasta) as genome:
        gene = next(gene for gene in read_genes(table) if gene.strand == "-")
        region = Region(gene.contig, gene.tx_start, gene.tx_end, "-", gene)
        tracks = list(model.tracks(genome, [region]))
        alone = model.sequence(
            reverse_complement(genome.codes(gene.contig, gene.tx_start, gene.tx_end))
        )
    acceptor = np.concatenate([track.acceptor for track in tracks])
    assert np.allclose(acceptor, alone[::-1, 1], atol=1e-6)


def test_merged_tracks_hold_every_row_in_order(
    bundle: Bundle, small_genome: tuple, tmp_path: Path
) -> None:
    pyBigWig = pytest.importorskip("pyBigWig")
    fasta, _ = small_genome
    model = predictor(bundle, 512)
    with Genome(fasta) as genome:
        contigs = genome.contigs
        parts = []
        for number, (start, end) in enumerate(((512, 1_024), (0, 512))):
            parts.append(tmp_path / f"{number}.parquet")
            regions = [Region("chr1", start, end, strand) for strand in "+-"]
            write_tracks(model.tracks(genome, regions), parts[-1], 0.0)
    merge_tracks(parts, contigs, tmp_path / "out", "x", 0.0)
    rows = pq.read_table(tmp_path / "out" / "x.tracks.parquet")
    assert rows.schema.equals(TRACK_SCHEMA)
    assert rows.num_rows == 2 * 1_024
    positions = rows["pos"].to_numpy()
    assert (np.diff(positions) >= 0).all()
    plus = rows.filter(pa.compute.equal(rows["strand"], "+"))
    with pyBigWig.open(str(tmp_path / "out" / "x.donor.plus.bw")) as wig:
        assert np.array_equal(
            np.array(wig.values("chr1", 0, 1_024), np.float32), plus["donor"].to_numpy()
        )
    lines = (tmp_path / "out" / "x.donor.bed").read_text().splitlines()
    assert len(lines) == 2 * 1_024
    assert lines[0].split("\t")[:3] == ["chr1", "0", "1"]


def test_unknown_contigs_are_refused(bundle: Bundle, small_genome: tuple) -> None:
    fasta, _ = small_genome
    with Genome(fasta) as genome, pytest.raises(InputError, match="no contig 'chrQ'"):
        list(predictor(bundle, 512).tracks(genome, [Region("chrQ", 0, 10, "+")]))


def test_evaluation_has_a_line_for_each_contig_and_kind(
    bundle: Bundle, small_genome: tuple
) -> None:
    fasta, table = small_genome
    models = gene_models(read_genes(table))
    with Genome(fasta) as genome:
        rows = evaluate(predictor(bundle, 500), taught_sequences(models, genome, 1), "tiny")
    assert {row.contig for row in rows} == {"all", "chr1", "chr2", "chr3"}
    total = {row.site: row for row in rows if row.contig == "all"}
    introns = sum(len(model.gene.exon_starts) - 1 for model in models)
    assert total["acceptor"].sites == total["donor"].sites == introns
    assert total["both"].sites == 2 * introns
    assert total["acceptor"].bases == sum(m.gene.tx_end - m.gene.tx_start for m in models)
    for row in rows:
        assert 0 <= row.auprc <= 1


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (1, 20_000, 3)).astype(np.float32)
    probability = mean_probabilities(honest)
    labels = (probability.cumsum(1) < rng.random((20_000, 1))).sum(1)
    sample = CalibrationSample(3 * honest, np.minimum(labels, 2), np.ones(20_000))
    found = calibrate(sample)
    assert found.temperature == pytest.approx(3, rel=0.05)
    assert found.after.nll < found.before.nll
    assert found.after.ece < found.before.ece / 3
    for one in found.reliability_after:
        assert one.low <= one.predicted <= one.high
