"""spliceflow: splicing models as one production pipeline.

Rooms, in the order data flows through them; an import never points back up:
``genome`` → ``variants`` → ``models`` → ``scoring`` → ``training`` → ``report``.
"""

import os

__version__ = "0.1.0"

# ONNX Runtime reports its use to its makers unless this is set before it is imported; what is
# scored here can be patients' data, on machines that have no business with the outside.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
