"""A training as one HTML page without any script or outside file: curves, reliability, table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from spliceflow.models.bundle import Bundle
from spliceflow.report.content import COST_PLACE
from spliceflow.training.calibration import Calibration, ReliabilityBin
from spliceflow.training.evaluation import EVERYTHING, SiteMetrics
from spliceflow.training.records import EpochRecord

_COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#e08214", "#4d4d4d", "#01665e", "#8c510a")

_STYLE = """
body { font: 15px/1.55 system-ui, sans-serif; margin: 2rem auto; max-width: 1080px; color: #1f2933;
  padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
figure { display: inline-block; margin: .5rem 1rem .5rem 0; vertical-align: top }
figcaption { font-size: 13px; color: #52606d; max-width: 480px }
text { font: 11px system-ui, sans-serif; fill: #52606d }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #e4e7eb; text-align: right }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
"""


def training_page(
    bundle: Bundle,
    logs: Mapping[str, Sequence[EpochRecord]],
    calibration: Calibration | None,
    evaluation: Sequence[SiteMetrics],
    agreement: Mapping | None,
    manifests: Sequence[Mapping],
) -> str:
    """The page of one trained bundle; parts without data are left out."""
    parts = [
        f"<h1>Training of {escape(bundle.card.name)}</h1>",
        f"<p>{escape(bundle.card.provenance)}</p>",
        f"<p>{len(bundle.members)} members, context {bundle.context} bases, fingerprint "
        f"<code>{bundle.fingerprint}</code>.</p>",
    ]
    if manifests:
        parts += ["<h2>Dataset</h2>", *map(_dataset, manifests)]
    if logs:
        parts += ["<h2>Learning</h2>", _curves(logs)]
    if evaluation:
        parts += ["<h2>Test split</h2>", _evaluation_table(evaluation)]
    if calibration:
        parts += ["<h2>Calibration</h2>", _calibration(calibration)]
    if agreement:
        parts += ["<h2>Student against teacher</h2>", _agreement(agreement)]
    if bundle.card.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in bundle.card.notes)
        parts.append(f"<h2>Before you use it</h2><ul>{notes}</ul>")
    parts.append(f"<h2>Cost</h2>{COST_PLACE}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>'
        f"{escape(bundle.card.name)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _dataset(manifest: Mapping) -> str:
    if "train" not in manifest:
        return ""
    head = ("split", "contigs", "genes", "bases", "acceptors", "donors", "GT-AG share")
    rows = [
        (
            split,
            str(len(manifest[split]["contigs"])),
            *(f"{manifest[split][key]:,}" for key in ("genes", "bases", "acceptors", "donors")),
            _number(manifest[split]["canonical_share"]),
        )
        for split in ("train", "validation", "test")
    ]
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in manifest["left_out"].items())
    return (
        f"<h3>{escape(str(manifest['name']))}</h3>{_table(head, rows)}"
        f"<p>Left out: {escape(left_out.replace('_', ' ') or 'none')}.</p>"
    )


def _curves(logs: Mapping[str, Sequence[EpochRecord]]) -> str:
    def lines(value: Callable[[EpochRecord], float]) -> dict[str, list[tuple[float, float]]]:
        return {
            label: [(record.epoch, value(record)) for record in records]
            for label, records in logs.items()
        }

    return (
        _chart(lines(lambda r: r.train_loss), "training loss by epoch (log scale)", log=True)
        + _chart(
            lines(lambda r: r.validation_loss), "validation loss by epoch (log scale)", log=True
        )
        + _chart(
            lines(lambda r: (r.acceptor_auprc + r.donor_auprc) / 2),
            "validation AUPRC by epoch, mean of acceptor and donor",
            limits=(0, 1),
        )
    )


def _evaluation_table(evaluation: Sequence[SiteMetrics]) -> str:
    head = (
        *("model", "site", "sites", "top 0.5 k", "top k", "top 2 k", "top 4 k", "AUPRC"),
        *("precision", "recall", "F1"),
    )
    rows = [
        (
            row.model,
            row.site,
            f"{row.sites:,}",
            *map(_number, (row.top_k_half, row.top_k_1, row.top_k_2, row.top_k_4, row.auprc)),
            *map(_number, (row.precision, row.recall, row.f1)),
        )
        for row in evaluation
        if row.contig == EVERYTHING
    ]
    return _table(head, rows) + "<p>Precision, recall and F1 at probability 0.5.</p>"


def _calibration(calibration: Calibration) -> str:
    head = ("", "", "NLL a base", "Brier", "ECE", "ECE from 0.05")
    rows = [
        (when, "", *(f"{v:.3g}" for v in (m.nll, m.brier, m.ece, m.ece_notable)))
        for when, m in (("before", calibration.before), ("after", calibration.after))
    ]
    charts = ""
    for when, bins in (
        ("before", calibration.reliability_before),
        ("after", calibration.reliability_after),
    ):
        charts += _chart(
            {"ideal": [(0, 0), (1, 1)], **_by_site(bins)},
            f"observed against predicted frequency, {when} calibration",
            limits=(0, 1),
        )
    return f"<p>Temperature {calibration.temperature:g}.</p>{_table(head, rows)}{charts}"


def _by_site(bins: Sequence[ReliabilityBin]) -> dict[str, list[tuple[float, float]]]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for one in bins:
        lines.setdefault(one.site, []).append((one.predicted, one.observed))
    return lines


def _agreement(agreement: Mapping) -> str:
    head = ("alleles", "DS from", "number", "teacher's calls", "recall", "precision", "AUROC")
    rows = []
    for kind, found in {"all": agreement["all"], **agreement["by_kind"]}.items():
        for index, threshold in enumerate(found["thresholds"]):
            rows.append(
                (
                    kind,
                    f"{threshold:g}",
                    f"{found['alleles']:,}",
                    f"{found['positives'][index]:,}",
                    *(_number(found[key][index]) for key in ("recall", "precision", "auroc")),
                )
            )
    spearman = _number(agreement["all"]["spearman"])
    text = (
        f"<p>Spearman correlation of the largest delta score {spearman}"
        f" over {agreement['all']['alleles']:,} alleles of held-out genes."
    )
    seconds = agreement.get("teacher_cpu_seconds"), agreement.get("student_cpu_seconds")
    if all(seconds):
        text += (
            f" CPU seconds: teacher {seconds[0]:.0f}, student {seconds[1]:.0f} "
            f"({seconds[0] / seconds[1]:.0f} times as fast)."
        )
    return text + "</p>" + _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _chart(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    caption: str,
    *,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> str:
    """A line chart as SVG; points that are nan (or not above 0 on a log scale) are left out."""
    shown = {
        label: [
            (x, math.log10(y) if log else y)
            for x, y in points
            if not math.isnan(y) and (y > 0 or not log)
        ]
        for label, points in lines.items()
    }
    shown = {label: points for label, points in shown.items() if points}
    if not shown:
        return ""
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    low, high = limits or (min(ys), max(ys))
    left, right = min(xs), max(xs)
    width, height, margin = 460, 260, 46

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left or 1) * (width - margin - 12)
        up = (y - low) / (high - low or 1) * (height - margin - 12)
        return margin + across, height - margin - up

    parts = [
        f'<rect x="{margin}" y="12" width="{width - margin - 12}" height="{height - margin - 12}" '
        'fill="none" stroke="#cbd2d9"/>'
    ]
    for share in (0, 0.5, 1):
        y = low + share * (high - low)
        label = f"{10**y:.2g}" if log else f"{y:.3g}"
        parts.append(
            f'<text x="{margin - 6}" y="{place(left, y)[1] + 4:.1f}" '
            f'text-anchor="end">{label}</text>'
        )
        x = left + share * (right - left)
        parts.append(
            f'<text x="{place(x, low)[0]:.1f}" y="{height - margin + 16}" '
            f'text-anchor="middle">{x:.3g}</text>'
        )
    for number, (label, points) in enumerate(shown.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>'
            for x, y in (place(*point) for point in points)
        ]
        parts.append(
            f'<text x="{margin + 8 + 90 * (number % 4)}" y="{height - 18 + 13 * (number // 4)}" '
            f'style="fill:{colour}">{escape(label)}</text>'
        )
    return (
        f'<figure><svg width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(caption)}">{"".join(parts)}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
