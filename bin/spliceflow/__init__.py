"""spliceflow: splicing models as one production pipeline.

Rooms, in the order data flows through them; an import never points back up:
``genome`` → ``variants`` → ``models`` → ``scoring`` → ``training`` → ``report``.
"""

__version__ = "0.1.0"
