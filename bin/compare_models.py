#!/usr/bin/env python3
"""Compare a student's delta scores with its teacher's on the same alleles.

Writes one JSON: agreement over all alleles and by class (substitution, insertion, deletion), with
the CPU seconds of both if run summaries are given.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.scores.agreement import agreement

KEYS = ("contig", "pos", "ref", "alt", "gene_id")
DELTAS = ("ds_ag", "ds_al", "ds_dg", "ds_dl")


def main() -> None:
    """Parse the command line and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher-scores", required=True, nargs="+", help="scores.parquet")
    parser.add_argument("--student-scores", required=True, nargs="+", help="scores.parquet")
    parser.add_argument("--teacher-runs", nargs="*", default=[], help="run.json of SCORE_VARIANTS")
    parser.add_argument("--student-runs", nargs="*", default=[], help="run.json of SCORE_VARIANTS")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    teacher, student = _read(arguments.teacher_scores), _read(arguments.student_scores)
    alleles = [key for key in teacher if key in student]
    if not alleles:
        raise InputError("the teacher's and the student's scores have no scored allele in common.")
    expected = np.array([teacher[key] for key in alleles])
    actual = np.array([student[key] for key in alleles])
    kinds = np.array([_kind(key[2], key[3]) for key in alleles])
    result = {
        "all": asdict(agreement(expected, actual)),
        "by_kind": {
            kind: asdict(agreement(expected[kinds == kind], actual[kinds == kind]))
            for kind in sorted(set(kinds))
        },
        "teacher_cpu_seconds": _cpu_seconds(arguments.teacher_runs),
        "student_cpu_seconds": _cpu_seconds(arguments.student_runs),
    }
    with atomic_path(arguments.output) as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n")


def _read(paths: list[str]) -> dict[tuple[str | int, ...], float]:
    try:
        table = pa.concat_tables(
            pq.read_table(path, columns=[*KEYS, *DELTAS, "status"]) for path in paths
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{', '.join(paths)} can't be read as scores.") from error
    return {
        tuple(row[key] for key in KEYS): max(row[delta] for delta in DELTAS)
        for row in table.to_pylist()
        if row["status"] == "scored"
    }


def _kind(ref: str, alt: str) -> str:
    if len(ref) == len(alt):
        return "substitution"
    return "insertion" if len(alt) > len(ref) else "deletion"


def _cpu_seconds(paths: list[str]) -> float | None:
    if not paths:
        return None
    return sum(json.loads(Path(path).read_text())["cpu_seconds"] for path in paths)


if __name__ == "__main__":
    run_entrypoint(main)
