"""Where names stand in a scatter: beside their points, on nothing else, inside the plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

LETTER: Final = 6.6
"""Pixels of a letter, on the generous side."""

ROW: Final = 15.0
GAP: Final = 9.0
DOT: Final = 6.0
FAR: Final = 4
"""Rows that a name may be moved up or down before it is left where it is."""

CUT: Final = 1e6
"""A name that the edge cuts is worse than any number of names upon each other."""

Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Box) -> float:
        """Square pixels of both."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


@dataclass(frozen=True, slots=True)
class Label:
    """A name at `dx`, `dy` pixels from its point, the middle of its line at `dy`."""

    dx: float
    dy: float
    align: Align

    @property
    def apart(self) -> bool:
        """Whether it stands elsewhere than usual, so that a line should join it to its point."""
        return self != USUAL

    def box(self, at: tuple[float, float], name: str) -> Box:
        long = LETTER * len(name)
        start = {"left": 0.0, "center": long / 2, "right": long}[self.align]
        left, middle = at[0] + self.dx - start, at[1] + self.dy
        return Box(left, middle - ROW / 2, left + long, middle + ROW / 2)


USUAL: Final = Label(GAP, -GAP, "left")


def placed(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    plot: Box,
    taken: Sequence[Box] = (),
    lines: Sequence[Box] = (),
) -> list[Label]:
    """A label for each of `points`, in pixels: of the places about it the nearest that covers no
    other label, no point, none of `taken` and none of the edge of `plot`; of equally good ones
    that which covers least of the thin `lines`."""
    dots = [Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    found: dict[int, Label] = {}
    used: list[Box] = [*taken]
    # the topmost first: those below it then move down, away from it
    for index in sorted(range(len(points)), key=lambda one: (points[one][1], points[one][0])):
        costs = []
        for label in _about():
            box = label.box(points[index], names[index])
            area = (box.right - box.left) * ROW
            outside = 1.0 - box.covers(plot) / area
            on_others = sum(box.covers(one) for one in used) / area
            on_dots = sum(box.covers(dot) for dot in dots) / (4 * DOT**2)
            crossed = sum(box.covers(line) for line in lines) / area
            away = abs(label.dy) / ROW + (0.0 if label.align == "left" else 0.2)
            costs.append(CUT * outside + 30 * on_others + 15 * on_dots + 2 * crossed + away)
        found[index] = _about()[costs.index(min(costs))]
        used.append(found[index].box(points[index], names[index]))
    return [found[index] for index in range(len(points))]


def _about() -> list[Label]:
    """Places about a point, the usual ones first."""
    places = [USUAL, Label(-GAP, -GAP, "right"), Label(GAP, GAP, "left")]
    places += [Label(-GAP, GAP, "right"), Label(0.0, -ROW, "center"), Label(0.0, ROW, "center")]
    for step in range(1, FAR + 1):
        for side, align in ((GAP, "left"), (-GAP, "right")):
            places += [
                Label(side, -GAP - step * ROW, align),
                Label(side, GAP + step * ROW, align),
            ]
    return places
