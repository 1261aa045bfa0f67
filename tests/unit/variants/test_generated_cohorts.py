"""The generator of cohorts: what it says it wrote is there, and fits the genome."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_spliceai_table
from spliceflow.variants.vcf import VariantFile

GENERATOR = Path(__file__).parents[3] / "benchmarks" / "generate_cohort.py"


@pytest.mark.parametrize("separate", [False, True])
def test_sites_are_in_order_once_and_agree_with_the_genome(tmp_path: Path, separate: bool):
    arguments = ["--sites", "500", "--samples", "3", "--artificial", "0.2"]
    done = subprocess.run(
        [
            *(sys.executable, GENERATOR, *arguments, "--output-dir", tmp_path),
            *(["--separate"] if separate else []),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert (said["records"], said["samples"], said["genotypes"]) == (500, 3, 1500)
    assert len(read_spliceai_table(tmp_path / "genes.tsv")) == 3
    files = sorted(tmp_path.glob("*.vcf.gz"))
    assert len(files) == (3 if separate else 1)
    with Genome(tmp_path / "genome.fa") as genome:
        for path in files:
            file = VariantFile(path)
            places = []
            for block in file.blocks():
                rows = zip(
                    block.contig.to_pylist(), block.pos.tolist(), block.ref.to_pylist(), strict=True
                )
                for contig, pos, ref in rows:
                    assert genome.sequence(contig, pos - 1, pos - 1 + len(ref)) == ref
                    places.append((contig, pos))
                assert block.text.count(b"\t") == len(block) * (9 if separate else 11)
            assert places == sorted(set(places))
            assert (len(places) == 500) != separate
