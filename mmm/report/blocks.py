"""What a page is made of: sections of paragraphs, figures, tables and tiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from markupsafe import Markup

MOST_NARROW: Final = 4
"""Columns of a table that a small screen has room for."""

LONG_CELL: Final = 40
"""Letters of a cell that a small screen has no room for beside two others."""

MOST_ROWS: Final = 10
"""Rows, header included, of a table that is kept on one printed page."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One line of a figure's key: how a thing is drawn and what it is."""

    mark: Literal["box", "band", "line", "dash", "dot", "square", "diamond"]
    colour: str
    label: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, escaped on the page. `heading` puts a small title over it."""

    kind: ClassVar[str] = "text"
    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure: a label, a value, and what surrounds it."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    kind: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One wide drawing, or `panels` that wrap, with a key and one plain sentence.

    Where a screen is too narrow for a wide drawing, its right end shows first when `latest`.
    """

    kind: ClassVar[str] = "figure"
    title: str
    caption: str
    svgs: tuple[Markup, ...]
    key: tuple[KeyEntry, ...] = ()
    panels: bool = False
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A finished table (safe HTML), with a title and one plain sentence."""

    kind: ClassVar[str] = "table"
    title: str
    html: Markup
    caption: str = ""

    @property
    def long(self) -> bool:
        """With so many rows that it may break over printed pages."""
        return self.html.count("<tr") > MOST_ROWS

    @property
    def breadth(self) -> str:
        """The class of tables that are too broad for a small screen, empty for others."""
        columns = self.html.count("<th ")
        cells = re.findall(r"<td[^>]*>(.*?)</td>", self.html, re.DOTALL)
        told = columns > 2 and any(len(Markup(cell).striptags()) > LONG_CELL for cell in cells)
        if columns > MOST_NARROW + 1:
            return " wide wider"
        return " wide" if told or columns > MOST_NARROW else ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Small figures two by two, so that a page holds several."""

    kind: ClassVar[str] = "pairs"
    figures: tuple[Figure, ...]


Block = Text | Bullets | Tiles | Figure | Pairs | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the page. `anchor` is its id."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
