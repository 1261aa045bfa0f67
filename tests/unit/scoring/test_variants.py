"""Incremental and full scoring beside a plain implementation of SpliceAI's rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spliceflow.genome.fasta import Genome, encode
from spliceflow.genome.genes import Gene
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import MemberWeights
from spliceflow.scoring.planner import Geometry, cost_function
from spliceflow.scoring.sessions import Device, choose_device, cpu_block_size
from spliceflow.scoring.variants import ScoringOptions, VariantScorer
from spliceflow.variants.allele_tables import JOB_SCHEMA

CONTIG_LENGTH = 700
# The wide units are cut into phases on CPUs with blocked kernels, the others are not.
NETWORK = DilatedCnn(kernel_widths=(3, 3, 5, 33, 33, 5), dilations=(1, 2, 3, 2, 2, 1), channels=32)
FIELDS = ("ds_ag", "ds_al", "ds_dg", "ds_dl", "dp_ag", "dp_al", "dp_dg", "dp_dl")
BASES = "ACGT"


def random_weights(config: DilatedCnn, seed: int) -> MemberWeights:
    """Weights that react strongly to every base."""
    rng = np.random.default_rng(seed)
    c = config.channels
    arrays = {"embedding": rng.normal(0, 1, (5, c)), "output.bias": rng.normal(0, 0.1, 3)}
    for unit, width in enumerate(config.kernel_widths):
        arrays[f"unit{unit}.scale"] = rng.normal(1, 0.1, c)
        arrays[f"unit{unit}.shift"] = rng.normal(0, 0.1, c)
        for conv, scale in (("conv1", 1.4), ("conv2", 0.7)):
            arrays[f"unit{unit}.{conv}.weight"] = rng.normal(
                0, scale / np.sqrt(c * width), (c, c, width)
            )
            arrays[f"unit{unit}.{conv}.bias"] = rng.normal(0, 0.1, c)
    taps = 1 + sum(config.has_skip_after(unit) for unit in range(config.units))
    for tap in range(taps):
        arrays[f"tap{tap}.weight"] = rng.normal(0, 0.1, (3, c))
    return MemberWeights(config, {k: v.astype(np.float32) for k, v in arrays.items()})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    members = [random_weights(NETWORK, seed) for seed in (1, 2)]
    return write_bundle(
        tmp_path_factory.mktemp("model") / "bundle", BundleCard(name="random"), members
    )


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    rng = np.random.default_rng(3)
    sequence = "".join(rng.choice(list(BASES), CONTIG_LENGTH))
    sequence = sequence[:300] + "NNRY" + sequence[304:350].lower() + sequence[350:]
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">c\n{sequence}\n")
    with Genome(path) as genome:
        yield genome


@pytest.fixture(scope="module")
def plain(bundle, genome) -> PlainScorer:
    return PlainScorer(bundle, genome)


class PlainScorer:
    """SpliceAI's procedure, one allele at a time, on strings.

    Beyond it: where REF and ALT both have several bases, each base of ALT is compared with the base
    of REF in its place.
    """

    def __init__(self, bundle: Bundle, genome: Genome) -> None:
        self.bundle = bundle
        self.sequence = genome.sequence("c", 0, CONTIG_LENGTH).upper()
        self.sessions = [
            onnxruntime.InferenceSession(bundle.path / name, providers=["CPUExecutionProvider"])
            for name in bundle.members
        ]

    def predict(self, sequence: str, strand: str) -> np.ndarray:
        codes = encode(sequence)
        if strand == "-":
            codes = np.where(codes < 4, 3 - codes, 4)[::-1]
        outputs = [
            session.run(["probabilities"], {"codes": codes[None].astype(np.int32)})[0][0]
            for session in self.sessions
        ]
        mean = np.mean(outputs, axis=0)
        return mean[::-1] if strand == "-" else mean

    def score(self, gene: Gene, pos: int, ref: str, alt: str, distance: int, mask: bool):
        half = self.bundle.context // 2 + distance
        beyond = max(len(ref) - distance - 1, 0) if len(alt) > 1 else 0
        window = []
        for genomic in range(pos - 1 - half, pos + half + beyond):
            inside = gene.tx_start <= genomic < gene.tx_end and 0 <= genomic < CONTIG_LENGTH
            window.append(self.sequence[genomic] if inside else "N")
        ref_window = "".join(window)
        alt_window = ref_window[:half] + alt + ref_window[half + len(ref) :]
        y_ref = self.predict(ref_window, gene.strand)
        y_alt = self.predict(alt_window, gene.strand)
        y_ref = y_ref[: 2 * distance + 1]
        if len(alt) == 1:  # SpliceAI's own lines, with what they do where outputs end
            zeros = np.zeros((len(ref) - 1, 3), np.float32)
            aligned = np.concatenate([y_alt[: distance + 1], zeros, y_alt[distance + 1 :]])
        else:
            aligned = np.zeros_like(y_ref)
            last = min(len(ref), len(alt)) - 1
            for offset in range(-distance, distance + 1):
                at = distance + offset
                if offset == last and len(alt) > len(ref):
                    aligned[at] = y_alt[at : distance + len(alt)].max(axis=0)
                elif offset <= last:
                    aligned[at] = y_alt[at]
                elif offset >= len(ref):
                    aligned[at] = y_alt[at + len(alt) - len(ref)]
        boundaries = sorted({start + 1 for start in gene.exon_starts} | set(gene.exon_ends))
        nearest = min((boundary - pos for boundary in boundaries), key=abs)
        scores, positions = [], []
        for site in (1, 2):
            for sign in (1, -1):
                change = sign * (aligned[:, site] - y_ref[:, site])
                best = int(change.argmax())
                at_boundary = best - distance == nearest
                masked = mask and (at_boundary if sign == 1 else not at_boundary)
                scores.append(0.0 if masked else float(change[best]))
                positions.append(best - distance)
        return scores + positions


def shard_of(alleles: list[tuple[int, str, str, int]]) -> pa.Table:
    columns = list(zip(*alleles, strict=True))
    return pa.table(
        {
            "contig": ["c"] * len(alleles),
            "pos": columns[0],
            "ref": columns[1],
            "alt": columns[2],
            "gene_row": columns[3],
        },
        schema=JOB_SCHEMA,
    )


def run(bundle, genes, genome, alleles, device=None, **options) -> np.ndarray:
    scorer = VariantScorer(bundle, device or choose_device("cpu"), ScoringOptions(**options))
    table = scorer.score(shard_of(alleles), genes, genome, "annotation")
    assert table.column("status").to_pylist() == ["scored"] * len(alleles)
    return np.array([table.column(field).to_numpy() for field in FIELDS]).T


GENES = [
    Gene("WHOLE", "g0", "t0", "c", "+", 0, 700, (0, 200, 400), (100, 260, 700)),
    Gene("MINUS", "g1", "t1", "c", "-", 50, 650, (50, 300, 500), (120, 420, 650)),
    Gene("SHORT", "g2", "t2", "c", "+", 310, 360, (310, 340), (325, 360)),
    Gene("SHORT_MINUS", "g3", "t3", "c", "-", 320, 372, (320, 350), (330, 372)),
]


@st.composite
def alleles_strategy(draw, sequence: str, distance: int):
    alleles = []
    for _ in range(draw(st.integers(1, 6))):
        row = draw(st.integers(0, len(GENES) - 1))
        gene = GENES[row]
        # A deletion may begin before its gene.
        pos = draw(st.integers(max(gene.tx_start - 3, 1), gene.tx_end))
        longest = max(1, min(2 * distance, CONTIG_LENGTH - pos + 1, 40))
        length = draw(st.one_of(st.just(1), st.integers(1, longest)))
        ref = sequence[pos - 1 : pos - 1 + length].upper()
        alt = draw(
            st.one_of(
                st.text(BASES, min_size=1, max_size=1),
                st.text(BASES, min_size=1, max_size=30),
                st.text(BASES, min_size=length, max_size=length),
            )
        )
        alleles.append((pos, ref, alt, row))
    return alleles


@pytest.mark.parametrize("engine", ["incremental", "full"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_equals_the_plain_procedure(engine, bundle, genome, plain, data):
    """Any allele, either strand, genes shorter than the context, ends of gene and contig."""
    distance = data.draw(st.sampled_from([1, 3, 20, 50]), label="distance")
    mask = data.draw(st.booleans(), label="mask")
    sequence = genome.sequence("c", 0, CONTIG_LENGTH)
    alleles = data.draw(alleles_strategy(sequence, distance), label="alleles")
    expected = np.array(
        [plain.score(GENES[row], pos, ref, alt, distance, mask) for pos, ref, alt, row in alleles]
    )
    actual = run(bundle, GENES, genome, alleles, engine=engine, distance=distance, mask=mask)
    np.testing.assert_allclose(actual[:, :4], expected[:, :4], atol=1e-5)
    clear = np.abs(expected[:, :4]) > 1e-3
    np.testing.assert_array_equal(actual[:, 4:][clear], expected[:, 4:][clear])


def many_alleles(genome: Genome) -> list[tuple[int, str, str, int]]:
    rng = np.random.default_rng(8)
    sequence = genome.sequence("c", 0, CONTIG_LENGTH).upper()
    alleles = []
    for pos in rng.integers(60, 640, 60):
        for row, gene in enumerate(GENES):
            if gene.tx_start < pos <= gene.tx_end:
                length = int(rng.choice([1, 1, 1, 2, 7]))
                alt = "".join(rng.choice(list(BASES), int(rng.choice([1, 1, 3]))))
                alleles.append((int(pos), sequence[pos - 1 : pos - 1 + length], alt, row))
    return alleles


def test_changes_are_large_enough_to_compare(bundle, genome):
    scores = run(bundle, GENES, genome, many_alleles(genome))[:, :4]
    assert (np.abs(scores) > 0.1).sum() > 20


def test_batches_order_and_neighbours_do_not_matter(bundle, genome):
    alleles = many_alleles(genome)
    together = run(bundle, GENES, genome, alleles)
    order = np.random.default_rng(4).permutation(len(alleles))
    shuffled = run(bundle, GENES, genome, [alleles[i] for i in order], batch_size=3, threads=2)
    np.testing.assert_array_equal(shuffled, together[order])
    alone = np.vstack([run(bundle, GENES, genome, [allele]) for allele in alleles[:10]])
    np.testing.assert_array_equal(alone, together[:10])


def test_tiles_cut_by_memory_do_not_matter(bundle, genome, monkeypatch):
    alleles = many_alleles(genome)
    expected = run(bundle, GENES, genome, alleles)
    monkeypatch.setattr(VariantScorer, "_longest_tile", lambda self: 150)
    np.testing.assert_array_equal(run(bundle, GENES, genome, alleles), expected)


@pytest.mark.skipif(cpu_block_size() == 1, reason="this CPU has no blocked kernels to compare")
def test_ordinary_layout_gives_the_same_scores(bundle, genome):
    """GPUs use the ordinary layout; on the CPU both can be run."""
    alleles = many_alleles(genome)
    blocked = run(bundle, GENES, genome, alleles)
    ordinary = run(bundle, GENES, genome, alleles, device=Device("cpu", "fp32", 1))
    np.testing.assert_allclose(ordinary[:, :4], blocked[:, :4], atol=1e-5)


def test_channels_that_fill_no_block_take_the_ordinary_layout(genome, tmp_path):
    config = replace(NETWORK, channels=12)
    made = write_bundle(tmp_path / "bundle", BundleCard(name="odd"), [random_weights(config, 4)])
    alleles = many_alleles(genome)[:20]
    scores = run(made, GENES, genome, alleles)
    ordinary = run(made, GENES, genome, alleles, device=Device("cpu", "fp32", 1))
    np.testing.assert_array_equal(scores, ordinary)
    assert np.abs(scores[:, :4]).max() > 0.01


def test_a_gpu_gets_batches_that_fill_its_memory(bundle, monkeypatch):
    """Sizes are decided before anything runs on the device; sessions here are the CPU's."""
    from spliceflow.scoring import variants

    gpu, cpu = Device("cuda", "fp32", 1), Device("cpu", "fp32", 1)
    opened = variants.open_session
    monkeypatch.setattr(variants, "open_session", lambda model, device: opened(model, cpu))
    sizes = []
    for free in (1_000_000_000, 40_000_000_000):
        monkeypatch.setattr(variants, "free_memory", lambda device, free=free: free)
        scorer = VariantScorer(bundle, gpu, ScoringOptions())
        sizes.append(scorer._batch_size(Geometry.of_allele(1, 1, 50, "+")))
    on_cpu = VariantScorer(bundle, cpu, ScoringOptions())
    assert on_cpu._batch_size(Geometry.of_allele(1, 1, 50, "+")) < sizes[0] < sizes[1]
    # what the members' sessions keep has to fit beside each other
    assert len(bundle.members) * scorer._batch_memory <= 40_000_000_000 * 6 // 10 // 4


def test_reverse_complement_symmetry(bundle, genome, tmp_path):
    """A gene on the other strand of the reverse complement has the same scores, mirrored."""
    sequence = genome.sequence("c", 0, CONTIG_LENGTH).upper()
    complement = str.maketrans("ACGTRY", "TGCAYR")
    path = tmp_path / "mirrored.fa"
    path.write_text(f">c\n{sequence.translate(complement)[::-1]}\n")
    mirrored_genes = [
        replace(
            gene,
            strand="-" if gene.strand == "+" else "+",
            tx_start=CONTIG_LENGTH - gene.tx_end,
            tx_end=CONTIG_LENGTH - gene.tx_start,
        )
        for gene in GENES
    ]
    alleles = [allele for allele in many_alleles(genome) if len(allele[1]) == len(allele[2]) == 1]
    mirrored = [
        (CONTIG_LENGTH - pos + 1, ref.translate(complement), alt.translate(complement), row)
        for pos, ref, alt, row in alleles
    ]
    with Genome(path) as mirrored_genome:
        actual = run(bundle, mirrored_genes, mirrored_genome, mirrored)
    expected = run(bundle, GENES, genome, alleles)
    np.testing.assert_allclose(actual[:, :4], expected[:, :4], atol=1e-6)
    clear = np.abs(expected[:, :4]) > 1e-3
    np.testing.assert_array_equal(actual[:, 4:][clear], -expected[:, 4:][clear])


def test_temperature_is_applied_when_asked_for(bundle, genome, tmp_path):
    members = [bundle.weights(member) for member in bundle.members]
    hot = write_bundle(tmp_path / "hot", BundleCard(name="hot", temperature=3.0), members)
    alleles = many_alleles(genome)[:20]
    plain = run(hot, GENES, genome, alleles)
    np.testing.assert_array_equal(plain, run(bundle, GENES, genome, alleles))
    calibrated = run(hot, GENES, genome, alleles, calibrated=True)
    assert np.abs(calibrated[:, :4]).max() < np.abs(plain[:, :4]).max()
    cooled = [replace(weights, arrays=_divide_taps(weights.arrays, 3.0)) for weights in members]
    same = write_bundle(tmp_path / "cooled", BundleCard(name="cooled"), cooled)
    np.testing.assert_allclose(
        calibrated[:, :4], run(same, GENES, genome, alleles)[:, :4], atol=1e-5
    )


def _divide_taps(arrays: dict[str, np.ndarray], by: float) -> dict[str, np.ndarray]:
    return {
        name: array / np.float32(by) if name.startswith(("tap", "output")) else array
        for name, array in arrays.items()
    }


def test_cost_grows_with_alleles_gaps_and_allele_length(bundle):
    cost = cost_function(bundle, 50)
    ones = np.ones(4, np.int64)
    near = cost(np.array([100, 110, 120, 130]), ones, ones)
    far = cost(np.array([100, 110, 120, 100_000]), ones, ones)
    assert near[0] > near[1] == near[2] == near[3]
    assert far[3] == far[0] > near[3]
    longer = cost(np.array([100, 110, 120, 130]), ones, ones * 30)
    assert (longer > near).all()


def test_statistics_count_the_work(bundle, genome):
    scorer = VariantScorer(bundle, choose_device("cpu"), ScoringOptions())
    alleles = many_alleles(genome)
    scorer.score(shard_of(alleles), GENES, genome, "annotation")
    assert scorer.statistics.alleles == len(alleles)
    assert 0 < scorer.statistics.tiles <= len(GENES)
    assert scorer.statistics.multiply_adds > 0


def test_bundle_files_are_where_they_are_said_to_be(bundle):
    assert Path(bundle.path / bundle.members[0]).is_file()
