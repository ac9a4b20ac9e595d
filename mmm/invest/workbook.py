"""The case as a spreadsheet whose figures are live formulas over the expected cash path.

Margin, repeat value, tax rate and discount rate can be changed in it; payment delay and
horizon have already shaped the rows. Quantiles over draws are written as numbers.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from mmm.cash.cashflow import CashFlow, cashflow_frame
from mmm.cash.value import DAYS_PER_YEAR_ACTUAL_365, ROUNDING, Summary
from mmm.invest.case import InvestmentCase
from mmm.invest.formats import DATE, MONEY, PLAIN, RATE, of_unit, styles_of
from mmm.invest.measures import PathSummary
from mmm.invest.tables import tables

CASE = "Case"
ASSUMPTIONS = "Assumptions"
CASH_FLOW = "Cash flow"

# the same case must give the same bytes, so no clock
STAMP = datetime(2000, 1, 1)
ZIP_STAMP = (1980, 1, 1, 0, 0, 0)

FIRST = 2
LONGEST_VALUE = 24
"""An assumption in longer words is told under the sheet's rows."""

CASH_COLUMNS = (
    "period",
    "date",
    "cost",
    "outcome value received",
    "inflow",
    "tax",
    "net",
    "cumulative",
    "discount factor",
    "present value",
    "cumulative present value",
    "net p05",
    "net p95",
    "cumulative p05",
    "cumulative p95",
    "deducted for tax",
)
ZERO_RATE = "zero rate a year"


@dataclass(frozen=True, slots=True)
class _Formula:
    """Text to be computed; every other text is written as text, whatever it starts with."""

    text: str


def write_workbook(path: Path | str, cash: CashFlow, case: InvestmentCase) -> Path:
    """Write `case.xlsx` with the sheets Case, Assumptions and Cash flow, and the tables of
    `mmm.invest.tables`; returns its path.

    The same cash flow and case give the same bytes.
    """
    book = Workbook()
    book.properties.creator = "mmm"
    book.properties.created = book.properties.modified = STAMP
    book.calculation.fullCalcOnLoad = True
    summary = book.active
    summary.title = CASE
    cells = _write_assumptions(book.create_sheet(ASSUMPTIONS), case)
    _write_cash(book.create_sheet(CASH_FLOW), cash, cells)
    _write_case(summary, cash, case, cells)
    for title, widths, rows in tables(case):
        _write_table(book.create_sheet(title), widths, rows)
    target = Path(path)
    target.write_bytes(_bytes(book))
    return target


def _bytes(book: Workbook) -> bytes:
    written, fixed = io.BytesIO(), io.BytesIO()
    ExcelWriter(book, ZipFile(written, "w")).save()
    with ZipFile(written) as source, ZipFile(fixed, "w") as target:
        for name in source.namelist():
            entry = ZipInfo(name, ZIP_STAMP)
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return fixed.getvalue()


def _put(cell: Cell, item: object, style: str = PLAIN) -> None:
    if isinstance(item, _Formula):
        cell.value = item.text
    elif isinstance(item, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", str(item))
        cell.data_type = "s"
    else:
        cell.value = None if isinstance(item, float) and not isfinite(item) else item
    cell.number_format = style


def _row(sheet: Worksheet, row: int, items: Sequence[object], styles: Sequence[str] = ()) -> None:
    for column, item in enumerate(items, start=1):
        style = styles[column - 1] if column <= len(styles) else PLAIN
        _put(sheet.cell(row, column), item, style)


def _header(sheet: Worksheet, names: Sequence[str], widths: Sequence[float]) -> None:
    _row(sheet, 1, names)
    for cell, width in zip(sheet[1], widths, strict=True):
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"


def _write_table(
    sheet: Worksheet, widths: Sequence[float], rows: Sequence[Sequence[object]]
) -> None:
    _header(sheet, [str(name) for name in rows[0]], widths)
    for number, items in enumerate(rows[1:], FIRST):
        _row(sheet, number, items, styles_of(rows[0], items))


def _write_assumptions(sheet: Worksheet, case: InvestmentCase) -> dict[str, str]:
    """One row an assumption; returns the absolute reference of each value's cell by name."""
    names = ("assumption", "value", "unit", "source", "low", "high")
    _header(sheet, names, (28, 16, 30, 14, 14, 14))
    cells: dict[str, str] = {}
    row, told = FIRST, []
    for assumption in case.assumptions:
        value, unit = assumption.value, assumption.unit
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            told.append(f"{assumption.name}: {value} ({assumption.source})")
            continue
        ends = (assumption.low, assumption.high)
        items = (assumption.name, value, unit, assumption.source, *ends)
        look, low, high = (of_unit(one, unit) for one in (value, *ends))
        _row(sheet, row, items, (PLAIN, look, PLAIN, PLAIN, low, high))
        cells[assumption.name] = f"{ASSUMPTIONS}!$B${row}"
        row += 1
    if "discount_rate" in cells:
        rate = f"=(1+{cells['discount_rate']})^(1/{cells['periods_per_year']})-1"
        items = ("rate per period", _Formula(rate), "per period", "computed")
        _row(sheet, row, items, (PLAIN, "0.0000%"))
        cells["rate_per_period"] = f"{ASSUMPTIONS}!$B${row}"
    row += 2
    notes = (
        *told,
        *case.conventions,
        "The cash flow sheet follows changes of margin, repeat value, tax rate and discount rate; "
        "its rows are fixed for delays, collection, customers, the curve and horizon above.",
    )
    for note in notes:
        _row(sheet, row, (note,))
        row += 1
    return cells


def _write_cash(sheet: Worksheet, cash: CashFlow, cells: dict[str, str]) -> None:
    curve = cash.finance.discount_curve
    names = (*CASH_COLUMNS, *((ZERO_RATE,) if curve else ()))
    _header(sheet, names, (8, 12, *(18,) * (len(names) - 2)))
    frame = cashflow_frame(cash)
    scale = (1.0 + cash.finance.repeat_value) * float(cash.drawn.margin.mean())
    styles = (PLAIN, DATE, *(MONEY,) * 6, "0.000000", *(MONEY,) * 7, RATE)
    years = np.arange(cash.periods) / cash.periods_per_year
    points = np.array(curve or ((0.0, 0.0),))
    zero_rates = np.interp(years, points[:, 0], points[:, 1])
    for index, record in enumerate(frame.to_dict("records")):
        row = FIRST + index
        sum_before, value_before = (f"H{row - 1}+", f"K{row - 1}+") if index else ("", "")
        factor = (
            f"=(1+Q{row})^(-A{row}/{cells['periods_per_year']})"
            if curve
            else f"=1/(1+{cells['rate_per_period']})^A{row}"
        )
        items = (
            record["period"],
            record["date"].to_pydatetime(),
            record["cost"],
            record["inflow_mean"] / scale if scale else 0.0,
            _Formula(f"=D{row}*(1+{cells['repeat_value']})*{cells['margin']}"),
            _Formula(f"={cells['tax_rate']}*(E{row}-P{row})"),
            _Formula(f"=E{row}-C{row}-F{row}"),
            _Formula(f"={sum_before}G{row}"),
            _Formula(factor),
            _Formula(f"=G{row}*I{row}"),
            _Formula(f"={value_before}J{row}"),
            record["net_p05"],
            record["net_p95"],
            record["cumulative_p05"],
            record["cumulative_p95"],
            float(cash.written_off[index]),
            *((float(zero_rates[index]),) if curve else ()),
        )
        _row(sheet, row, items, styles)


def _write_case(
    sheet: Worksheet, cash: CashFlow, case: InvestmentCase, cells: dict[str, str]
) -> None:
    names = ("measure", "expected cash (live)", "expected", "p05", "p50", "p95", "unit")
    _header(sheet, names, (34, 22, 18, 18, 18, 18, 24))
    money = case.currency or "money"
    row = FIRST
    for label, formula, figures, style, unit in _measures(cash, case, cells, money):
        items = (label, _Formula(formula) if formula else None, *_figures(figures), unit)
        _row(sheet, row, items, (PLAIN, *(style,) * 5))
        row += 1
    facts = (
        ("probability of loss", case.probability_of_loss, RATE),
        ("pays back within the horizon", case.payback.probability, RATE),
        (f"NPV at the risk level of {100 * case.risk_level:.0f} %", case.npv_at_risk_level, MONEY),
        ("NPV, 5 % quantile", case.value_at_risk_95, MONEY),
        ("NPV, mean of the worst 5 %", case.cvar_95, MONEY),
        ("NPV, mean of the worst 10 %", case.worst_decile_npv, MONEY),
        ("value of knowing before deciding", case.value_of_information, MONEY),
    )
    for label, fact, style in facts:
        _row(sheet, row, (label, None, fact), (PLAIN, PLAIN, style))
        row += 1
    row += 1
    words = (
        case.decision.sentence,
        case.decision_rule,
        *([case.irr.reason] if case.irr.reason else []),
        *case.caveats,
        "Live figures follow changes on the sheet Assumptions; the others are the posterior draws "
        "as computed.",
        "Live figures are computed when a spreadsheet program opens this file; a preview that does "
        "not compute shows them empty.",
    )
    for sentence in words:
        _row(sheet, row, (sentence,))
        row += 1


def _figures(figures: Summary | PathSummary) -> tuple[float, float, float, float]:
    expected = figures.mean if isinstance(figures, Summary) else figures.expected
    return expected, figures.p05, figures.p50, figures.p95


def _measures(
    cash: CashFlow, case: InvestmentCase, cells: dict[str, str], money: str
) -> list[tuple[str, str, Summary | PathSummary, str, str]]:
    """Rows of the sheet Case: label, live formula ("" for none), figures, style and unit."""
    last = FIRST + cash.periods - 1

    def over(column: str, start: int = FIRST) -> str:
        return f"'{CASH_FLOW}'!${column}${start}:${column}${last}"

    net, cost, inflow, factor = over("G"), over("C"), over("E"), over("I")
    present_cost = f"SUMPRODUCT({cost},{factor})"
    tax = cells["tax_rate"]
    burden = f"({present_cost}-{tax}*SUMPRODUCT({over('P')},{factor}))/(1-{tax})"
    scale = f"{burden}/SUMPRODUCT({inflow},{factor})"
    curve = bool(cash.finance.discount_curve)
    later = ""
    if cash.periods > 1 and not curve:
        later = f"+NPV({cells['rate_per_period']},{over('G', FIRST + 1)})"
    npv = f"=SUMPRODUCT({net},{factor})" if curve else f"='{CASH_FLOW}'!$G${FIRST}{later}"
    rate = cells.get("discount_rate", "")
    # programs differ on XNPV at a rate of nothing
    dated = "" if curve else f"=IF({rate}=0,SUM({net}),XNPV({rate},{net},{over('B')}))"
    rows: list[tuple[str, str, Summary | PathSummary, str, str]] = [
        ("NPV", npv, case.npv, MONEY, money),
        ("NPV, from present values", f"=SUM({over('J')})", case.npv, MONEY, money),
        ("NPV by date (actual/365)", dated, case.xnpv, MONEY, money),
    ]
    if case.present_cost > 0:
        per_cost = f"=SUMPRODUCT({net},{factor})/{present_cost}"
        of_last = case.marginal_npv_per_cost
        rows.append(
            ("NPV per unit of cost", per_cost, case.npv_per_cost, "0.0000", "of discounted cost")
        )
        rows.append(("NPV of the last unit of cost", "", of_last, "0.0000", "of discounted cost"))
    yearly = period = by_date = ""
    if isfinite(case.irr.per_period.expected):
        # a guess near the answer: spreadsheets start their search from 10 % a period
        search = f"IRR({net},{round(case.irr.per_period.expected, 4)!r})"
        period = f"={search}"
        if isfinite(case.irr.per_year.expected):
            yearly = f"=(1+{search})^{cells['periods_per_year']}-1"
    if isfinite(case.xirr.per_year.expected):
        by_date = f"={_xirr(cash, net, over('B'), case.xirr.per_year.expected)}"
    margin = f"={cells['margin']}*{scale}" if isfinite(case.break_even_margin.expected) else ""
    share, roi = "share of outcome value", "outcome value per unit of cost"
    return [
        *rows,
        ("internal rate of return, a year", yearly, case.irr.per_year, RATE, "per year"),
        ("internal rate of return, a period", period, case.irr.per_period, RATE, "per period"),
        ("internal rate of return by date", by_date, case.xirr.per_year, RATE, "per year"),
        ("payback", _payback(over, "G", "H"), case.payback.periods, "0", "periods"),
        (
            "discounted payback",
            _payback(over, "J", "K"),
            case.discounted_payback.periods,
            "0",
            "periods",
        ),
        ("break-even margin", margin, case.break_even_margin, RATE, share),
        ("break-even ROI", "", case.break_even_roi, "0.0000", roi),
        ("peak funding", f"=MAX(0,-MIN({over('H')}))", case.peak_funding, MONEY, money),
    ]


def _xirr(cash: CashFlow, net: str, dates: str, yearly: float) -> str:
    """XIRR, searched from near the answer: spreadsheets start from 10 % a year. Not all take a
    guess below zero; where dates are as far apart from each other, IRR needs none."""
    steps = np.unique(np.diff(cash.dates.values).astype("timedelta64[D]").astype(int))
    if yearly >= 0 or len(steps) > 1:
        return f"XIRR({net},{dates},{round(yearly, 3)!r})"
    span = int(steps[0])
    guess = round((1.0 + yearly) ** (span / DAYS_PER_YEAR_ACTUAL_365) - 1.0, 4)
    return f"(1+IRR({net},{guess!r}))^({DAYS_PER_YEAR_ACTUAL_365:g}/{span})-1"


def _payback(over: Callable[..., str], flow: str, cumulative: str) -> str:
    """The first period from which cumulative cash stays at or above zero, or "never"."""
    tolerance = f"{ROUNDING!r}*SUMPRODUCT(ABS({over(flow)}))"
    under = f"({over(cumulative)}<-{tolerance})"
    end = f"SUM({over(flow)})"
    back = f"SUMPRODUCT(MAX({under}*({over('A')}+1)))"
    return f'=IF({end}<-{tolerance},"never",{back})'
