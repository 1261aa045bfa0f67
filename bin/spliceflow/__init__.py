"""spliceflow: splicing models as one production pipeline.

Rooms, in the order data flows through them; an import never points back up:
``genome`` → ``variants`` → ``scores`` → ``models`` → ``scoring`` → ``training`` → ``report``.
"""

import os
import sys

# Before anything is imported that an older Python does not know.
if sys.version_info < (3, 11):  # noqa: UP036 - an older Python may be the one that is found
    sys.exit(
        "error: Python 3.11 or newer is needed, {} is {}.{}: run `make setup` and activate .venv "
        "(. .venv/bin/activate), or choose where the packages come from with -profile docker, "
        "singularity or conda".format(sys.executable, *sys.version_info[:2])
    )

from spliceflow.errors import name_missing_packages

__version__ = "0.1.0"

# ONNX Runtime reports its use to its makers unless this is set before it is imported; what is
# scored here can be patients' data, on machines that have no business with the outside.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

name_missing_packages()
