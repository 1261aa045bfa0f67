"""Pieces of a report as MultiQC's custom content: one ``*_mqc.json`` file each."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COST_PLACE = "<!-- cost by process --><!-- end of cost by process -->"
"""Where ``functions/cost.nf`` puts its table when the run is over, between the two marks."""


@dataclass(frozen=True)
class Chapter:
    """A heading of the report that several pieces stand under.

    Attributes:
        id: part of the HTML anchors.
        title: heading.
        description: one or two sentences below the heading.
    """

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True)
class Content:
    """One piece: a table, a plot or a block of HTML.

    Attributes:
        id: unique in the report; also the anchor and the file's name.
        title: heading of the piece.
        plot_type: MultiQC's word: table, bargraph, linegraph, scatter, html, generalstats.
        data: what MultiQC expects for the plot type.
        chapter: heading it stands under.
        description: sentence above it.
        help: longer text behind the question mark.
        config: ``pconfig`` of MultiQC.
        headers: columns of a table, in order.
        categories: bars' categories, in order, with name and colour.
    """

    id: str
    title: str
    plot_type: str
    data: Any
    chapter: Chapter | None = None
    description: str = ""
    help: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, Any]] | None = None
    categories: (
        Mapping[str, Mapping[str, str]] | Sequence[Mapping[str, Mapping[str, str]]] | None
    ) = None

    def as_multiqc(self) -> dict[str, Any]:
        """The document that MultiQC reads."""
        document: dict[str, Any] = {"id": self.id, "plot_type": self.plot_type}
        if self.plot_type == "generalstats":
            headers = self.headers or {}
            document["headers"] = [{name: dict(header)} for name, header in headers.items()]
            return document | {"data": self.data}
        document["section_name"] = self.title
        if self.chapter:
            document["parent_id"] = self.chapter.id
            document["parent_name"] = self.chapter.title
            document["parent_description"] = self.chapter.description
        if self.description:
            document["description"] = self.description
        if self.help:
            document["helptext"] = self.help
        if self.plot_type != "html":
            document["pconfig"] = {"id": f"{self.id}_plot", "title": self.title} | dict(self.config)
        if self.headers:
            document["headers"] = {name: dict(header) for name, header in self.headers.items()}
        if self.categories:
            document["categories"] = self.categories
        return document | {"data": self.data}

    def write(self, directory: Path) -> Path:
        """Write ``<id>_mqc.json`` and return its path."""
        path = directory / f"{self.id}_mqc.json"
        text = json.dumps(self.as_multiqc(), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path


def definition_list(rows: Mapping[str, str]) -> str:
    """Name and value in two columns, as HTML; values may hold markup, names are escaped."""
    body = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{value}</td></tr>"
        for name, value in rows.items()
        if value
    )
    return f"<table class='sf-facts'><tbody>{body}</tbody></table>"


def tiles(values: Sequence[tuple[str, str, str]]) -> str:
    """Large numbers with a label and a note below, side by side."""
    return (
        "<div class='sf-tiles'>"
        + "".join(
            f"<div class='sf-tile'><b>{html.escape(number)}</b><span>{html.escape(label)}</span>"
            f"<small>{html.escape(note)}</small></div>"
            for number, label, note in values
        )
        + "</div>"
    )
