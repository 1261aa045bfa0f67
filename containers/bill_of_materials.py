"""Print what an image holds as CycloneDX 1.5 (JSON): Debian and Python packages with licences.

Usage: bill_of_materials.py IMAGE VERSION. Runs inside the image, on the standard library alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import quote


def python_components() -> Iterator[dict[str, object]]:
    """Installed distributions of this interpreter, by name."""
    found = {(each.name.lower(), each.version): each for each in distributions()}
    for (name, version), distribution in sorted(found.items()):
        yield component(name, version, f"pkg:pypi/{quote(name)}@{quote(version)}") | licences(
            licence_of(distribution)
        )


def debian_components() -> Iterator[dict[str, object]]:
    """Installed Debian packages, by name; their licences are in /usr/share/doc/*/copyright."""
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in sorted(listed.splitlines()):
        name, version, architecture = line.split("\t")
        package_url = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
        yield component(name, version, package_url)


def component(name: str, version: str, package_url: str) -> dict[str, object]:
    """One entry of the bill."""
    return {"type": "library", "name": name, "version": version, "purl": package_url}


def licence_of(distribution: Distribution) -> str:
    """The licence that a distribution declares: expression, classifiers, or first line of text."""
    metadata = distribution.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classified = [
        value.rsplit(" :: ", 1)[-1]
        for value in metadata.get_all("Classifier", [])
        if value.startswith("License :: ") and value != "License :: OSI Approved"
    ]
    text = (metadata.get("License") or "").strip()
    return " and ".join(classified) or (text.splitlines()[0] if text else "")


def licences(name: str) -> dict[str, object]:
    """The bill's field for a licence, empty if none is known."""
    return {"licenses": [{"license": {"name": name}}]} if name else {}


def operating_system() -> str:
    """Name and version of the distribution the image is built on."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return next(
        line.split("=", 1)[1].strip('"') for line in lines if line.startswith("PRETTY_NAME")
    )


def main() -> None:
    """Print the bill of this image."""
    image, version = sys.argv[1:]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "name": image,
                "version": version,
                "description": operating_system(),
            }
        },
        "components": [*debian_components(), *python_components()],
    }
    json.dump(bill, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
