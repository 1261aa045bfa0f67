"""The sections of the report, in order: one function each, registered at the end.

A section takes the findings of a run and yields pieces of content, none if the run has nothing
to say about it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spliceflow.report.content import COST_PLACE, Chapter, Content, definition_list, tiles
from spliceflow.report.findings import (
    EFFECTS,
    HISTOGRAM_EDGES,
    SHOWN_DELTA,
    TOP_VARIANTS,
    Findings,
    Summary,
)
from spliceflow.variants.status import Status

EFFECT_COLOURS = {"ag": "#4c9f9a", "al": "#1f4e79", "dg": "#e9a23b", "dl": "#b5432f"}
CLASS_NAMES = {
    "snv": "SNV",
    "insertion": "insertion",
    "deletion": "deletion",
    "mnv": "MNV",
    "delins": "delins",
    "other": "other",
}
STATUS_COLOURS = {
    Status.SCORED: "#2f7f79",
    Status.NOT_IN_GENE: "#c9d1d3",
    Status.REF_MISMATCH: "#b5432f",
    Status.REF_TOO_LONG: "#8f6bb1",
    Status.ALT_TOO_LONG: "#b79bd0",
    Status.SYMBOLIC: "#e9a23b",
    Status.BREAKEND: "#f2c879",
    Status.STAR: "#7a9cc6",
    Status.MISSING_ALT: "#a8bfdc",
    Status.NON_ACGT: "#d98c7e",
    Status.NO_SEQUENCE: "#6b5b4d",
}
ANNOTATE_PARAMETERS = (
    *("input", "fasta", "annotation", "transcripts", "biotypes"),
    *("model", "model_name", "info_tag"),
    *("distance", "left_align", "mask", "calibrated", "decimals"),
    *("device", "engine", "precision", "batch_size", "shard_cost"),
    *("score_store", "outdir"),
)
"""What the annotate workflow reads, in the order shown."""
SHOWN_SHARDS = 50
"""Rows of the table of shards, beside that of all of them."""
THRESHOLDS = ((0.8, "high precision"), (0.5, "recommended"), (0.2, "high recall"))
"""Cut-offs of the delta score and what their authors call them (Jaganathan et al. 2019)."""

EFFECTS_CHAPTER = Chapter(
    "effects",
    "Splicing effects",
    "A delta score is the largest change of a splice site's probability within the distance "
    "searched around the variant.",
)
VARIANTS_CHAPTER = Chapter(
    "variants", "Variants", "Every input record is in the output; this is what became of each."
)
INPUTS_CHAPTER = Chapter(
    "reference",
    "Annotation and contigs",
    "Contigs are named as in the FASTA; other files' names for them are understood.",
)
MODEL_CHAPTER = Chapter("model", "Model")
RUN_CHAPTER = Chapter("run", "Run", "What it took, and how to do it again.")


def overview(findings: Findings) -> Iterator[Content]:
    """The run in a row of large numbers, and the general statistics of each file."""
    values: list[tuple[str, str, str]] = []
    if variants := findings.variants:
        scored = variants["status"].get(Status.SCORED, 0)
        unique = variants["unique_alleles"]
        files = _counted(variants["files"], "file")
        values.append((f"{variants['records']:,}", "records", f"in {files}, all in the output"))
        values.append((f"{unique:,}", "unique alleles", f"of {variants['alleles']:,} given"))
        share = f"{scored / unique:.0%} of them" if unique else ""
        values.append((f"{scored:,}", "scored", share))
        if known := variants.get("known"):
            total = known["rows"] + variants["shard_rows"]
            note = f"of {total:,} allele × gene pairs; the others were scored"
            if known["imported"]:
                note += f"; {known['imported']:,} are imported, rounded"
            values.append((f"{known['rows']:,}", "found in the score store", note))
    if scores := findings.scores:
        values.append((f"{scores.at_least(0.5):,}", "with DS ≥ 0.5", "allele × gene pairs"))
    if findings.runs:
        seconds = sum(run["wall_seconds"] for run in findings.runs)
        shards = _counted(len(findings.runs), "shard")
        values.append((_duration(seconds), "scoring", f"time of {shards}, added up"))
    if values:
        yield Content("spliceflow_overview", "At a glance", "html", tiles(values))
    yield from _general_statistics(findings)


def _general_statistics(findings: Findings) -> Iterator[Content]:
    data = {}
    for summary in findings.annotated:
        alleles = summary["alleles"]
        total = sum(alleles.values())
        scored = alleles.get(Status.SCORED, 0)
        outside = alleles.get(Status.NOT_IN_GENE, 0)
        data[summary["name"]] = {
            "records": summary["records"],
            "alleles": total,
            "scored": scored,
            "scored_percent": 100 * scored / total if total else 0.0,
            "not_in_gene": outside,
            "unscored": total - scored - outside,
        }
        for threshold, key in ((0.2, "effects_20"), (0.5, "effects_50"), (0.8, "effects_80")):
            if "effects" in summary:
                data[summary["name"]][key] = summary["effects"][f"{threshold}"]
    if not data:
        return

    def count(title: str, description: str, scale: str, **more: Any) -> dict[str, Any]:
        return {
            "title": title,
            "description": description,
            "format": "{:,.0f}",
            "min": 0,
            "scale": scale,
        } | more

    columns = {
        "records": count("Records", "VCF records, as many out as in", "Greys"),
        "alleles": count("Alleles", "Alternate alleles", "Greys", hidden=True),
        "scored": count("Scored", "Alleles with a score", "GnBu"),
        "scored_percent": count(
            "% scored", "Share of the alleles with a score", "GnBu", max=100, suffix="%"
        ),
        "not_in_gene": count("Outside genes", "Alleles that no gene overlaps", "Greys"),
        "unscored": count("Other status", "Alleles without a score for another reason", "Oranges"),
        "effects_20": count("DS ≥ 0.2", "Alleles with a delta score of 0.2 or more", "OrRd"),
        "effects_50": count("DS ≥ 0.5", "Alleles with a delta score of 0.5 or more", "OrRd"),
        "effects_80": count("DS ≥ 0.8", "Alleles with a delta score of 0.8 or more", "OrRd"),
    }
    used = {
        name: header
        for name, header in columns.items()
        if any(name in row for row in data.values())
    }
    yield Content("spliceflow_files", "Files", "generalstats", data, headers=used)


def top_variants(findings: Findings) -> Iterator[Content]:
    """The variants with the largest effects, one row per allele × gene."""
    scores = findings.scores
    if not scores or not scores.top:
        return
    carriers = _carriers(findings.annotated)
    rows: dict[str, dict[str, Any]] = {}
    for effect in scores.top[:TOP_VARIANTS]:
        change = f"{_short(effect.ref)}>{_short(effect.alt)}"
        name = f"{effect.contig}:{effect.pos:,} {change}"
        while name in rows:
            name += f" ({effect.gene})" if not name.endswith(")") else "'"
        rows[name] = {
            "gene": html.escape(effect.gene),
            "effect": EFFECTS[effect.kind],
            "ds": effect.ds,
            "dp": effect.dp,
            "site": html.escape(f"{effect.contig}:{effect.pos + effect.dp}"),
            **{f"ds_{kind}": value for kind, value in zip(EFFECTS, effect.all_ds, strict=True)},
        }
        found = carriers.get((effect.contig, effect.pos, effect.ref, effect.alt), ())
        if found:
            rows[name]["carriers"] = html.escape(", ".join(found))
    delta = {"min": 0, "max": 1, "format": "{:,.2f}", "scale": "OrRd"}
    headers = {
        "gene": {"title": "Gene", "description": "Gene symbol", "scale": False},
        "effect": {
            "title": "Effect",
            "description": "The largest of the four effects",
            "scale": False,
            "bgcols": {name: _tint(EFFECT_COLOURS[kind]) for kind, name in EFFECTS.items()},
        },
        "ds": {"title": "DS", "description": "Delta score of that effect, 0 to 1", **delta},
        "dp": {
            "title": "DP",
            "description": "Bases from POS to the site, in genome direction",
            "format": "{:+d}",
            "scale": False,
        },
        "site": {
            "title": "Site",
            "description": "Position of the site, in coordinates of the reference",
            "scale": False,
        },
        "carriers": {
            "title": "Carried by",
            "description": "Files, and samples in them with the allele",
            "scale": False,
        },
    }
    for kind, name in EFFECTS.items():
        headers[f"ds_{kind}"] = {
            "title": f"DS {kind.upper()}",
            "description": f"Delta score of {name}",
            "hidden": True,
            **delta,
        }
    if not any("carriers" in row for row in rows.values()):
        del headers["carriers"]
    shown = f"The {len(rows)} pairs" if len(rows) < scores.pairs else "All pairs"
    yield Content(
        "spliceflow_top_variants",
        "Top variants",
        "table",
        rows,
        EFFECTS_CHAPTER,
        f"{shown} of allele and gene with the largest effect. Click a heading to sort; the four "
        "delta scores are under <em>Configure columns</em>.",
        help="The site is where the probability changes most: for a gain the new splice site, for "
        "a loss the one that goes. An acceptor is the first base of its exon, a donor the last.",
        config={"col1_header": "Variant", "no_violin": True, "sort_rows": False},
        headers=headers,
    )


def delta_scores(findings: Findings) -> Iterator[Content]:
    """How many effects of each kind there are, how strong, and where."""
    scores = findings.scores
    if not scores or not scores.pairs:
        return
    bands = ((0.8, 1.01, "0.8 – 1"), (0.5, 0.8, "0.5 – 0.8"), (0.2, 0.5, "0.2 – 0.5"))
    bars = {
        name: {
            label: int(scores.histograms[kind][round(low * 100) : round(high * 100)].sum())
            for low, high, label in bands
        }
        for kind, name in EFFECTS.items()
    }
    colours = dict(
        zip((label for *_, label in bands), ("#b5432f", "#e07b53", "#f2c879"), strict=True)
    )
    yield Content(
        "spliceflow_effects",
        "Effects by strength",
        "bargraph",
        bars,
        EFFECTS_CHAPTER,
        "Allele × gene pairs by effect, from a delta score of 0.2 on.",
        help="The authors of SpliceAI suggest 0.2 for high recall, 0.5 as the default and 0.8 for "
        "high precision (Jaganathan <em>et al.</em>, Cell 2019).",
        config={"ylab": "Allele × gene pairs", "cpswitch": False, "sort_samples": False},
        categories={label: {"name": label, "color": colours[label]} for *_, label in bands},
    )
    edges = HISTOGRAM_EDGES[1:-1]
    curves = {}
    for kind, name in EFFECTS.items():
        above = np.cumsum(scores.histograms[kind][::-1])[::-1][1:]
        curves[name] = {f"{x:.2f}": int(y) for x, y in zip(edges, above, strict=True) if y}
    curves = {name: points for name, points in curves.items() if points}
    if curves:
        colour_of = {EFFECTS[kind]: colour for kind, colour in EFFECT_COLOURS.items()}
        yield Content(
            "spliceflow_delta_distribution",
            "Delta-score distribution",
            "linegraph",
            {name: {float(x): y for x, y in points.items()} for name, points in curves.items()},
            EFFECTS_CHAPTER,
            "Allele × gene pairs with at least the delta score on the axis.",
            config={
                "xlab": "Delta score",
                "ylab": "Pairs with at least this score",
                "xmin": 0,
                "xmax": 1,
                "ymin": 0,
                "logswitch": True,
                "showlegend": True,
                "colors": {name: colour_of[name] for name in curves},
                "x_lines": [
                    {"value": value, "color": "#999999", "dash": "dot", "label": f"{value}"}
                    for value, _ in THRESHOLDS
                ],
            },
        )
    points: dict[str, list[dict[str, Any]]] = {name: [] for name in EFFECTS.values()}
    for effect in scores.top:
        points[EFFECTS[effect.kind]].append(
            {
                "x": effect.dp,
                "y": round(effect.ds, 3),
                "name": f"{effect.gene} {effect.contig}:{effect.pos}",
                "color": EFFECT_COLOURS[effect.kind],
                "group": EFFECTS[effect.kind],
            }
        )
    if any(points.values()):
        reach = max(abs(effect.dp) for effect in scores.top) + 2
        yield Content(
            "spliceflow_positions",
            "Where the sites lie",
            "scatter",
            {name: found for name, found in points.items() if found},
            EFFECTS_CHAPTER,
            "Distance of the changed site from the variant, for the largest effect of each pair "
            f"from a delta score of {SHOWN_DELTA} on.",
            config={
                "xlab": "Bases from the variant, in genome direction",
                "ylab": "Delta score",
                "xmin": -reach,
                "xmax": reach,
                "ymin": 0,
                "ymax": 1.02,
                "marker_size": 7,
                "marker_line_width": 0,
                "showlegend": True,
            },
        )
    if scores.genes:
        most = dict(list(scores.genes.items())[:25])
        yield Content(
            "spliceflow_genes",
            "Genes with effects",
            "bargraph",
            {gene: {"pairs": count} for gene, count in most.items()},
            EFFECTS_CHAPTER,
            f"Alleles with a delta score of 0.5 or more, by gene"
            f"{', the 25 genes with most' if len(scores.genes) > 25 else ''}.",
            config={
                "ylab": "Alleles",
                "cpswitch": False,
                "sort_samples": False,
                "hide_zero_cats": False,
            },
            categories={"pairs": {"name": "Alleles with DS ≥ 0.5", "color": "#b5432f"}},
        )


def variants_by_status(findings: Findings) -> Iterator[Content]:
    """What became of the alleles of each file, and what each word means."""
    words = {status.value: status for status in Status}
    by_file = {summary["name"]: dict(summary["alleles"]) for summary in findings.annotated}
    if findings.variants:
        by_file["all, each allele once"] = dict(findings.variants["status"])
    if not by_file:
        return
    used = [word for word in words if any(word in counts for counts in by_file.values())]
    yield Content(
        "spliceflow_status",
        "Alleles by status",
        "bargraph",
        by_file,
        VARIANTS_CHAPTER,
        "One word for each alternate allele.",
        help="<dl>"
        + "".join(
            f"<dt>{word}</dt><dd>{html.escape(words[word].description)}</dd>" for word in used
        )
        + "</dl>",
        config={"ylab": "Alleles", "sort_samples": False, "cpswitch_counts_label": "Alleles"},
        categories={
            word: {"name": word.replace("_", " "), "color": STATUS_COLOURS[words[word]]}
            for word in used
        },
    )


def variants_by_class(findings: Findings) -> Iterator[Content]:
    """Unique alleles by class, scored or not."""
    if not findings.variants:
        return
    table: Mapping[str, Mapping[str, int]] = findings.variants["class_status"]
    order = [*CLASS_NAMES, *(kind for kind in table if kind not in CLASS_NAMES)]
    bars = {
        CLASS_NAMES.get(kind, kind): {
            "scored": table[kind].get(Status.SCORED, 0),
            "not_in_gene": table[kind].get(Status.NOT_IN_GENE, 0),
            "other": sum(
                count
                for word, count in table[kind].items()
                if word not in (Status.SCORED, Status.NOT_IN_GENE)
            ),
        }
        for kind in order
        if kind in table
    }
    if not bars:
        return
    yield Content(
        "spliceflow_classes",
        "Alleles by class",
        "bargraph",
        bars,
        VARIANTS_CHAPTER,
        "Unique alleles of all files together.",
        config={
            "ylab": "Unique alleles",
            "sort_samples": False,
            "cpswitch_counts_label": "Alleles",
        },
        categories={
            "scored": {"name": "scored", "color": STATUS_COLOURS[Status.SCORED]},
            "not_in_gene": {"name": "not in gene", "color": STATUS_COLOURS[Status.NOT_IN_GENE]},
            "other": {"name": "other status", "color": STATUS_COLOURS[Status.SYMBOLIC]},
        },
    )


def annotation(findings: Findings) -> Iterator[Content]:
    """Which genes were kept, and what has no sequence in the FASTA."""
    genes = findings.genes
    facts: dict[str, str] = {}
    if genes:
        facts["Annotation"] = (
            f"{html.escape(genes['format'])}, fingerprint <code>{genes['fingerprint']}</code>"
        )
        facts["Transcripts"] = (
            f"{genes['transcripts_kept']:,} of {genes['transcripts_read']:,} kept "
            f"(<code>--transcripts {html.escape(genes['transcripts_choice'])}</code>)"
        )
        facts["Chosen as"] = _counts_text(genes["chosen"])
        facts["Genes"] = f"{genes['genes_kept']:,} of {genes['genes_read']:,} kept"
        facts["Other biotypes, left out"] = _counts_text(genes["other_biotypes"])
        if genes.get("transcripts_unusable"):
            facts["Transcripts that can't be used"] = f"{genes['transcripts_unusable']:,}"
        if genes.get("outside_contig"):
            facts["Genes beyond their contig's end"] = f"{genes['outside_contig']:,}"
        if genes.get("duplicates"):
            facts["Transcripts given twice"] = f"{genes['duplicates']:,}, kept once"
        if genes.get("without_exons"):
            facts["Transcripts without exon lines"] = (
                f"{genes['without_exons']:,}; their exons are those of CDS, UTR and codons"
            )
        if genes.get("without_gene"):
            facts["Transcripts that name no gene"] = (
                f"{genes['without_gene']:,}, each taken for a gene of its own"
            )
    if facts:
        yield Content(
            "spliceflow_annotation", "Genes", "html", definition_list(facts), INPUTS_CHAPTER
        )
    rows: dict[str, dict[str, int]] = {}
    for part, column, key in (
        (findings.genes, "genes", "unmatched_contigs"),
        (findings.variants, "alleles", "unmatched_contigs"),
    ):
        for contig, count in (part or {}).get(key, {}).items():
            rows.setdefault(contig, {})[column] = count
    if rows:
        shown = dict(sorted(rows.items(), key=lambda item: -sum(item[1].values()))[:200])
        yield Content(
            "spliceflow_contigs",
            "Contigs without sequence",
            "table",
            {contig: {"alleles": 0, "genes": 0} | counts for contig, counts in shown.items()},
            INPUTS_CHAPTER,
            "In the annotation or in a variant file, but under no name in the FASTA. Their alleles "
            "have the status <code>no_sequence</code>.",
            config={"col1_header": "Contig", "no_violin": True},
            headers={
                "alleles": {
                    "title": "Unique alleles",
                    "description": "Alleles of the cohort on this contig",
                    "format": "{:,d}",
                    "scale": "Oranges",
                },
                "genes": {
                    "title": "Genes",
                    "description": "Genes of the annotation on this contig",
                    "format": "{:,d}",
                    "scale": "Greys",
                },
            },
        )
    elif genes or findings.variants:
        text = "<p>Every contig of the annotation and of the variant files is in the FASTA.</p>"
        yield Content("spliceflow_contigs", "Contigs", "html", text, INPUTS_CHAPTER)


def model(findings: Findings) -> Iterator[Content]:
    """The model's card: what it is, whose it is, how to cite it."""
    if not findings.bundle:
        return
    bundle = findings.bundle
    card = bundle.card
    facts = {
        "Model": f"<b>{html.escape(card.name)}</b>, version {html.escape(card.version)}",
        "Fingerprint": f"<code>{bundle.fingerprint}</code>",
        "Network": f"{html.escape(card.family)}, reads {bundle.context:,} bases around a position, "
        f"{_counted(len(bundle.members), 'member')}",
        "Trained on": html.escape(
            ", ".join(part for part in (card.species, card.assembly) if part)
        ),
        "Licence": html.escape(card.licence),
        "Please cite": html.escape(card.citation),
        "Provenance": html.escape(card.provenance),
        "Measured": ", ".join(
            f"{html.escape(name.replace('_', ' '))} {_number(value)}"
            for name, value in card.metrics.items()
        ),
        "Before you use it": "".join(f"<p>{html.escape(note)}</p>" for note in card.notes),
    }
    yield Content("spliceflow_model", "Model", "html", definition_list(facts), MODEL_CHAPTER)


def throughput(findings: Findings) -> Iterator[Content]:
    """Time and memory of each shard."""
    if not findings.runs:
        return
    slowest = sorted(findings.runs, key=lambda run: -run["wall_seconds"])[:SHOWN_SHARDS]
    shown = {run["shard"] for run in slowest}
    rows = {"all shards": _throughput_row(findings.runs)} if len(findings.runs) > 1 else {}
    for run in findings.runs:
        if run["shard"] in shown:
            rows[str(run["shard"]).removesuffix(".parquet")] = _throughput_row([run])
    seconds = {"format": "{:,.1f}", "suffix": " s", "min": 0}
    headers = {
        "alleles": {
            "title": "Alleles",
            "description": "Allele × gene pairs scored",
            "format": "{:,d}",
            "scale": "GnBu",
        },
        "start": {
            "title": "Start-up",
            "description": "Opening the model",
            "scale": "Greys",
            **seconds,
        },
        "wall": {"title": "Scoring", "description": "Wall time", "scale": "Purples", **seconds},
        "cpu": {
            "title": "CPU",
            "description": "Processor time of the scoring, all threads",
            "scale": "Purples",
            "hidden": True,
            **seconds,
        },
        "rate": {
            "title": "Alleles an hour",
            "description": "Pairs scored in an hour at this speed",
            "format": "{:,.0f}",
            "scale": "GnBu",
        },
        "cpu_each": {
            "title": "CPU an allele",
            "description": "Processor time a pair",
            "format": "{:,.3f}",
            "suffix": " s",
            "scale": "Purples",
        },
        "memory": {
            "title": "Peak memory",
            "description": "Largest resident memory of the process",
            "format": "{:,.0f}",
            "suffix": " MB",
            "scale": "Greys",
        },
        "device": {
            "title": "Device",
            "description": "Device, precision and engine",
            "scale": False,
        },
    }
    yield Content(
        "spliceflow_throughput",
        "Scoring by shard",
        "table",
        rows,
        RUN_CHAPTER,
        "Start-up is counted apart from scoring; times of all shards are sums."
        + (f" The {SHOWN_SHARDS} slowest are shown." if len(shown) < len(findings.runs) else ""),
        config={"col1_header": "Shard", "no_violin": True, "sort_rows": False},
        headers=headers,
    )


def _throughput_row(runs: Sequence[Summary]) -> dict[str, Any]:
    alleles = sum(run["alleles"] for run in runs)
    wall = sum(run["wall_seconds"] for run in runs)
    cpu = sum(run["cpu_seconds"] for run in runs)
    engines = {f"{run['device']}, {run['precision']}, {run['engine']}" for run in runs}
    return {
        "alleles": alleles,
        "start": sum(run["start_up_seconds"] for run in runs),
        "wall": wall,
        "cpu": cpu,
        "rate": 3600 * alleles / wall if wall else 0.0,
        "cpu_each": cpu / alleles if alleles else 0.0,
        "memory": max(run["peak_memory_bytes"] for run in runs) / 2**20,
        "device": "; ".join(sorted(engines)),
    }


def cost(findings: Findings) -> Iterator[Content]:
    """What the scoring was expected to cost and did, and the place of the engine's own account.

    The engine knows what each process took only when the run is over: it then puts its table
    between the two marks (``functions/cost.nf``).
    """
    facts: dict[str, str] = {}
    if findings.variants and findings.variants["shard_rows"]:
        facts["Scoring, estimated"] = (
            f"{_cpu_time(3600 * findings.variants['estimated_cpu_hours'])} for "
            f"{_counted(findings.variants['shard_rows'], 'allele × gene pair')}, on a CPU"
        )
    if findings.runs:
        cpu = sum(run["cpu_seconds"] + run["start_up_seconds"] for run in findings.runs)
        gpu = sum(run["wall_seconds"] for run in findings.runs if run["device"] == "cuda")
        facts["Scoring, used"] = _cpu_time(cpu) + (f" and {_duration(gpu)} of a GPU" if gpu else "")
    if not facts:
        return
    yield Content(
        "spliceflow_cost",
        "Cost",
        "html",
        definition_list(facts) + COST_PLACE,
        RUN_CHAPTER,
        "A shard found in the cache of an earlier run counts here as it did then; in the table "
        "by process it costs nothing.",
    )


def parameters(findings: Findings) -> Iterator[Content]:
    """The parameters that the run read; ``params.json`` beside the report has all."""
    if not findings.params:
        return
    given = findings.params
    names = ANNOTATE_PARAMETERS if given.get("workflow") == "annotate" else sorted(given)
    facts = {}
    for name in names:
        value = given.get(name)
        if value in (None, "") or isinstance(value, dict):
            continue
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        facts[f"--{name}"] = f"<code>{html.escape(text)}</code>"
    yield Content(
        "spliceflow_parameters", "Parameters", "html", definition_list(facts), RUN_CHAPTER
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{html.escape(name)} {count:,}" for name, count in counts.items())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _cpu_time(seconds: float) -> str:
    return f"{_duration(seconds)} of CPU time"


def _short(allele: str, longest: int = 12) -> str:
    return allele if len(allele) <= longest else f"{allele[: longest - 1]}…({len(allele)})"


def _tint(colour: str) -> str:
    """A colour mixed with four parts of white, to stand behind text."""
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * 0.28):02x}" for channel in channels)


def _carriers(annotated: Sequence[Summary]) -> dict[tuple[str, int, str, str], list[str]]:
    """Who carries an allele: the file's name, with its samples if they are few."""
    found: dict[tuple[str, int, str, str], list[str]] = {}
    for summary in annotated:
        for allele in summary.get("strongest", ()):
            key = (allele["contig"], allele["pos"], allele["ref"], allele["alt"])
            samples = allele["samples"]
            text = summary["name"]
            if samples:
                shown = ", ".join(samples[:4])
                more = allele["carriers"] - len(samples[:4])
                text += f" ({shown}{f' and {more:,} more' if more > 0 else ''})"
            found.setdefault(key, []).append(text)
    return found


Section = Callable[[Findings], Iterator[Content]]

SECTIONS: tuple[Section, ...] = (
    overview,
    top_variants,
    delta_scores,
    variants_by_status,
    variants_by_class,
    annotation,
    model,
    throughput,
    cost,
    parameters,
)
"""All sections, in the order of the report. A new section is one function and one line here."""
