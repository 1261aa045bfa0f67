#!/usr/bin/env python3
"""Check that packages are installed which a later step needs, before work is done for it."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from spliceflow.errors import InputError, missing_package, run_entrypoint


def main() -> None:
    """Parse the command line and look for each package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", help="names, as they are imported")
    for name in parser.parse_args().packages:
        if find_spec(name) is None:
            raise InputError(missing_package(name))


if __name__ == "__main__":
    run_entrypoint(main)
