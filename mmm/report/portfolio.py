"""The portfolio page: many studies at once, what needs a look first; one file, nothing fetched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mmm.report import words

STATES = ("failed", "alarm", "held", "deployed")
"""What a study's last run came to, those that need a look first."""
TITLES = {"failed": "Failed", "alarm": "Alarm", "held": "Held back", "deployed": "Deployed"}
WIDTH, LABEL, ROW, HEAD = 900, 210, 18, 26
MOVED = 0.1
"""Relative change of a return from which it is listed."""
MOST_MOVES = 40


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Return of one channel: quantiles of the last complete run, and the median before it
    (None where there was none)."""

    channel: str
    p05: float
    p50: float
    p95: float
    before: float | None = None

    @property
    def change(self) -> float | None:
        """Relative to before."""
        return self.p50 / self.before - 1.0 if self.before else None


@dataclass(frozen=True, slots=True)
class PortfolioStudy:
    """One study. `state` is one of `STATES`; `reasons` say why; `when` is the day of the last
    attempt and `complete` that of the last complete run, whose returns these are. `link` is the
    report relative to the page, empty where there is none; `spend` is money a year; `since` says
    what changed from the complete run before to the last."""

    name: str
    state: str
    verdict: str
    reasons: tuple[str, ...]
    when: str
    complete: str
    window: str
    spend: float
    currency: str
    returns: tuple[ReturnLine, ...]
    total: ReturnLine | None
    link: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class PortfolioInputs:
    """All the page shows. Raises `ValueError` for a state that is none of `STATES`."""

    batch: str
    created: str
    studies: tuple[PortfolioStudy, ...]

    def __post_init__(self) -> None:
        unknown = {study.state for study in self.studies} - set(STATES)
        if unknown:
            raise ValueError(f"unknown state {sorted(unknown)[0]!r}")


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a drawing, in its pixels: interval, median, and the median before."""

    study: str
    y: float
    low: float
    high: float
    middle: float
    before: float | None
    words: str
    state: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """One channel across studies; `even` is where a return of 1 lies, `ticks` x and label."""

    channel: str
    height: float
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    even: float


@dataclass(frozen=True, slots=True)
class Move:
    """A return that changed since the run before."""

    study: PortfolioStudy
    line: ReturnLine
    words: str
    sure: bool


def render_portfolio(inputs: PortfolioInputs) -> str:
    """The page as HTML: no script, nothing fetched, all names escaped."""
    loader = PackageLoader("mmm.report")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"ratio": ratio, "percent": percent, "href": href}
    sheets = [loader.get_source(environment, name)[0] for name in ("style.css", "portfolio.css")]
    studies = sorted(inputs.studies, key=lambda study: (STATES.index(study.state), study.name))
    worst = next((study.state for study in studies), "deployed")
    tone = {"failed": "rejected", "alarm": "rejected", "held": "caution"}.get(worst, "trusted")
    moved = moves(studies)
    return environment.get_template("portfolio.html.j2").render(
        batch=inputs.batch,
        created=inputs.created,
        tone=tone,
        titles=TITLES,
        tiles=_tiles(studies),
        stake=_stake(studies),
        look=[study for study in studies if study.state != "deployed"],
        moves=moved[:MOST_MOVES],
        more_moves=max(0, len(moved) - MOST_MOVES),
        drawings=drawings(studies),
        studies=studies,
        money={study.name: money(study.spend, study.currency) for study in studies},
        sheet=Markup("\n".join(sheets)),
        width=WIDTH,
        label=LABEL,
        head=HEAD,
    )


def ratio(value: float) -> str:
    """A return with two digits after the point, a dash where there is none."""
    return words.ratio(value) if math.isfinite(value) else "–"


def percent(value: float) -> str:
    return words.styled(f"{value:+.0%}")


def href(path: str) -> str:
    """A relative path as the address of a link."""
    return quote(path)


def money(amount: float, currency: str) -> str:
    """An amount to three significant digits."""
    return words.short_amount(amount, currency)


def _tiles(studies: Sequence[PortfolioStudy]) -> list[tuple[str, str, str]]:
    """Label, number and detail: how many studies came to what."""
    tiles = [("Studies", str(len(studies)), "")]
    for state in STATES:
        found = [study for study in studies if study.state == state]
        tiles.append((TITLES[state], str(len(found)), _stake(found)))
    return tiles


def _stake(studies: Iterable[PortfolioStudy]) -> str:
    """Spend a year, by currency."""
    sums: dict[str, float] = {}
    for study in studies:
        sums[study.currency] = sums.get(study.currency, 0.0) + study.spend
    shown = [money(amount, currency) for currency, amount in sorted(sums.items()) if amount > 0]
    return " and ".join(shown) + " a year" if shown else ""


def moves(studies: Iterable[PortfolioStudy]) -> list[Move]:
    """Returns that changed by `MOVED` or more since the run before. Those whose interval no
    longer holds the former median come first, then the largest."""
    found = []
    for study in studies:
        for line in study.returns:
            change = line.change
            if change is None or abs(change) < MOVED or line.before is None:
                continue
            sure = not line.p05 <= line.before <= line.p95
            said = "beyond what is known of it now" if sure else "within what is known of it"
            found.append(Move(study, line, said, sure))
    return sorted(found, key=lambda move: (not move.sure, -abs(move.line.change or 0.0)))


def drawings(studies: Sequence[PortfolioStudy]) -> list[Drawing]:
    """A drawing a channel, in the order of how many studies have it; all on one scale."""
    channels: dict[str, list[tuple[PortfolioStudy, ReturnLine]]] = {}
    for study in studies:
        for line in study.returns:
            channels.setdefault(line.channel, []).append((study, line))
    ends = sorted(line.p95 for rows in channels.values() for _, line in rows)
    if not ends:
        return []
    # a few wide intervals shall not squeeze all others; they run to the edge
    top = max(1.2, 1.15 * ends[min(len(ends) - 1, int(0.9 * len(ends)))])
    ordered = sorted(channels.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_drawing(channel, rows, top) for channel, rows in ordered]


def _drawing(
    channel: str, rows: Sequence[tuple[PortfolioStudy, ReturnLine]], top: float
) -> Drawing:
    def place(value: float) -> float:
        inside = min(max(value, 0.0), top)
        return round(LABEL + (WIDTH - LABEL - 10) * inside / top, 1)

    by_name = sorted(rows, key=lambda row: row[0].name)
    bars = tuple(
        Bar(
            study=study.name,
            y=HEAD + ROW * (number + 0.5),
            low=place(line.p05),
            high=place(line.p95),
            middle=place(line.p50),
            before=None if line.before is None else place(line.before),
            words=f"{study.name}: {ratio(line.p50)} ({ratio(line.p05)} to {ratio(line.p95)})",
            state=study.state,
        )
        for number, (study, line) in enumerate(by_name)
    )
    step = _step(top)
    ticks = tuple(
        (place(number * step), f"{number * step:g}") for number in range(int(top / step) + 1)
    )
    return Drawing(channel, HEAD + ROW * len(bars) + 8, bars, ticks, place(1.0))


def _step(top: float) -> float:
    """Distance between ticks: 1, 2 or 5 times a power of ten, 4 to 10 of them."""
    rough = top / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
