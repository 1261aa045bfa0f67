"""Heat maps of in-silico mutagenesis as one HTML page without any script or outside file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from spliceflow.report.heat_maps import HeatMap
from spliceflow.variants.mutagenesis import BASES

_CELL = 12
_ROW_BASES = 100

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1340px; color: #1f2933 }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
svg { display: block; margin: .6rem 0 } text { font: 10px ui-monospace, monospace; fill: #52606d }
.scale { display: inline-block; width: 180px; height: 12px; vertical-align: middle;
  background: linear-gradient(90deg, #b2182b, #f7f7f7, #2166ac) }
"""


def mutagenesis_page(title: str, maps: Sequence[HeatMap]) -> str:
    """The page: one section a gene, a row of the heat map every 100 bases."""
    sections = "\n".join(_section(one) for one in maps)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>In-silico mutagenesis of {escape(title)}</h1>\n"
        "<p>Largest delta score of every substitution, forward strand. "
        'loss −1 <span class="scale"></span> +1 gain. A dot marks the reference base; point at a '
        "cell to read its value.</p>\n"
        f"{sections}\n</body></html>\n"
    )


def _section(one: HeatMap) -> str:
    rows = [
        _svg(one, start, min(start + _ROW_BASES, one.positions.size))
        for start in range(0, one.positions.size, _ROW_BASES)
    ]
    return f"<h2>{escape(one.gene)} (strand {escape(one.strand)})</h2>\n" + "\n".join(rows)


def _svg(one: HeatMap, start: int, end: int) -> str:
    width, height = (end - start) * _CELL + 20, 5 * _CELL + 22
    parts = [f'<svg width="{width}" height="{height}" role="img">']
    for row, base in enumerate(BASES):
        parts.append(f'<text x="2" y="{(row + 1) * _CELL + 8}">{base}</text>')
    for index in range(start, end):
        x = 16 + (index - start) * _CELL
        position, letter = int(one.positions[index]), one.reference[index]
        parts.append(f'<text x="{x + 3}" y="10">{letter}</text>')
        for row, base in enumerate(BASES):
            y, value = (row + 1) * _CELL, one.values[row, index]
            if np.isnan(value):
                mark = f'<circle cx="{x + 6}" cy="{y + 6}" r="1.5" fill="#9aa5b1"/>'
            else:
                mark = (
                    f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" '
                    f'fill="{colour(float(value))}"><title>{position} {letter}&gt;{base} '
                    f"{value:+.3f}</title></rect>"
                )
            parts.append(mark)
        if position % 10 == 0:
            parts.append(f'<text x="{x - 8}" y="{5 * _CELL + 14}">{position}</text>')
    return "".join(parts) + "</svg>"


def colour(value: float) -> str:
    """White at 0, blue for gains, red for losses; full at 1."""
    strong = (33, 102, 172) if value > 0 else (178, 24, 43)
    share = min(abs(value), 1.0) ** 0.6
    mixed = (round(247 + (channel - 247) * share) for channel in strong)
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
