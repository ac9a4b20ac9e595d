"""What a page is made of: sections of paragraphs, figures, tables and tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup


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
    """One wide drawing, or `panels` that wrap, with a key and one plain sentence."""

    kind: ClassVar[str] = "figure"
    title: str
    caption: str
    svgs: tuple[Markup, ...]
    key: tuple[KeyEntry, ...] = ()
    panels: bool = False


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
        return self.html.count("<tr") > 16


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

    @property
    def brief(self) -> bool:
        """Without a drawing, so that it needs no printed page of its own."""
        return not any(isinstance(block, Figure | Pairs) for block in self.blocks)
