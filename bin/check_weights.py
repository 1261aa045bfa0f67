#!/usr/bin/env python3
"""Stop unless published weights are those that the model catalogue means, by their SHA-256."""

from __future__ import annotations

import argparse
from pathlib import Path

from spliceflow.errors import run_entrypoint
from spliceflow.models.published import check_sums


def main() -> None:
    """Parse the command line and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, help="folder of weights")
    parser.add_argument(
        "--sha256", required=True, type=Path, help="file of 'SHA256  NAME' lines to match"
    )
    arguments = parser.parse_args()
    check_sums(arguments.weights, arguments.sha256)


if __name__ == "__main__":
    run_entrypoint(main)
