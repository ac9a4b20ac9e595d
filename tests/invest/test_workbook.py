"""The spreadsheet: its formulas, computed by an independent engine, give the case's figures."""

from dataclasses import replace

import formulas
import numpy as np
import openpyxl
import pandas as pd
import pytest

from mmm.cash.cashflow import cash_flow, cashflow_frame
from mmm.config.finance import Finance
from mmm.invest.assumptions import Assumption, Source
from mmm.invest.case import build_case
from mmm.invest.export import case_to_dict
from mmm.invest.formats import styles_of
from mmm.invest.workbook import write_workbook

FINANCE = Finance(
    currency="GBP",
    margin=0.4,
    discount_rate=0.09,
    tax_rate=0.25,
    payment_delay=1,
    repeat_value=0.1,
)
GUESS = Assumption("=1+1", "=cmd()", "", Source.GUESS)


def make(finance=FINANCE, roi=2.9, periods=10):
    value = np.random.default_rng(2).normal(roi, 0.4, (50, 1)) * np.full(periods, 40.0)
    dates = pd.date_range("2026-01-05", periods=periods, freq="W-MON")
    cash = cash_flow(value, np.full(min(4, periods), 100.0), dates, finance, 52.18)
    case = build_case(cash, finance, fit_verdict="trusted", extra_assumptions=[GUESS])
    return cash, case


def computed(path):
    """Every cell of the workbook after calculation, by (sheet, cell) in capitals."""
    solution = formulas.ExcelModel().loads(str(path)).finish().calculate()
    cells = {}
    for key, item in solution.items():
        book_sheet, _, cell = str(key).partition("!")
        sheet = book_sheet.strip("'").rpartition("]")[2]
        if hasattr(item, "value") and np.size(item.value) == 1:
            cells[sheet, cell] = np.asarray(item.value, object).item()
    return cells


def live(path, cells=None):
    """Computed figure by label of the sheet Case."""
    sheet = openpyxl.load_workbook(path)["Case"]
    cells = cells or computed(path)
    return {
        sheet.cell(row, 1).value: cells["CASE", f"B{row}"]
        for row in range(2, sheet.max_row + 1)
        if sheet.cell(row, 2).value is not None
    }


@pytest.fixture(scope="module")
def cells(book):
    return computed(book[0])


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    cash, case = make()
    return write_workbook(tmp_path_factory.mktemp("book") / "case.xlsx", cash, case), cash, case


def test_live_figures_agree_with_the_json(book, cells):
    path, _, case = book
    found, plain = live(path, cells), case_to_dict(case)
    expected = {
        "NPV": plain["npv"]["mean"],
        "NPV, from present values": plain["npv"]["mean"],
        "NPV by date (actual/365)": plain["xnpv"]["mean"],
        "internal rate of return by date": plain["xirr"]["per_year"]["expected"],
        "NPV per unit of cost": plain["npv_per_cost"]["mean"],
        "internal rate of return, a year": plain["irr"]["per_year"]["expected"],
        "internal rate of return, a period": plain["irr"]["per_period"]["expected"],
        "payback": plain["payback"]["periods"]["expected"],
        "discounted payback": plain["discounted_payback"]["periods"]["expected"],
        "break-even margin": plain["break_even_margin"]["expected"],
        "peak funding": plain["peak_funding"]["expected"],
    }
    assert None not in expected.values()
    assert found.keys() == expected.keys()
    for label, figure in expected.items():
        assert found[label] == pytest.approx(figure, rel=1e-9), label


def test_live_cash_flow_agrees_with_the_frame(book, cells):
    path, cash, _ = book
    frame = cashflow_frame(cash)
    columns = {
        "C": "cost",
        "E": "inflow_mean",
        "F": "tax_mean",
        "G": "net_mean",
        "H": "cumulative_mean",
        "I": "discount_factor",
        "L": "net_p05",
        "M": "net_p95",
        "N": "cumulative_p05",
        "O": "cumulative_p95",
    }
    for letter, name in columns.items():
        found = [cells["CASH FLOW", f"{letter}{row}"] for row in range(2, 2 + cash.periods)]
        assert found == pytest.approx(frame[name].tolist(), rel=1e-9, abs=1e-9), name
    peak = max(0.0, -frame["cumulative_mean"].min())
    assert live(path, cells)["peak funding"] == pytest.approx(peak, rel=1e-9)


def test_changing_an_assumption_in_the_sheet_is_rebuilding_the_case(book, tmp_path):
    path, _, _ = book
    changed = FINANCE.model_copy(
        update={"margin": 0.6, "tax_rate": 0.1, "discount_rate": 0.2, "repeat_value": 0.0}
    )
    edited = openpyxl.load_workbook(path)
    for name, setting, *_ in edited["Assumptions"].iter_rows(min_row=2, max_col=3):
        if name.value in changed.model_fields_set:
            setting.value = getattr(changed, name.value)
    edited.save(tmp_path / "edited.xlsx")
    _, case = make(changed)
    found = live(tmp_path / "edited.xlsx")
    assert found["NPV"] == pytest.approx(case.npv.mean, rel=1e-9)
    assert found["NPV per unit of cost"] == pytest.approx(case.npv_per_cost.mean, rel=1e-9)
    assert found["payback"] == case.payback.periods.expected


def test_money_never_back_and_one_period(tmp_path):
    found = live(write_workbook(tmp_path / "loss.xlsx", *make(roi=0.5)))
    assert found["payback"] == found["discounted payback"] == "never"
    cash, case = make(FINANCE.model_copy(update={"horizon": 1}))
    found = live(write_workbook(tmp_path / "one.xlsx", cash, case))
    assert found["NPV"] == pytest.approx(case.npv.mean)
    assert "internal rate of return, a year" not in found


@pytest.mark.parametrize("roi", [0.2, 0.3, 0.38, 0.42, 0.5])
def test_rates_by_date_are_found_without_discount_and_below_nothing(tmp_path, roi):
    cash, case = make(Finance(margin=0.4), roi=roi, periods=60)
    found = live(write_workbook(tmp_path / "dated.xlsx", cash, case))
    assert found["NPV by date (actual/365)"] == pytest.approx(case.xnpv.mean, rel=1e-9)
    assert found["NPV"] == pytest.approx(case.npv.mean, rel=1e-9)
    rate = case.xirr.per_year.expected
    assert found["internal rate of return by date"] == pytest.approx(rate, rel=1e-6)


def test_what_is_owed_at_the_end_is_in_the_live_figures(tmp_path):
    cash, case = make(FINANCE.model_copy(update={"cost_delay": 8}), roi=2.0)
    found = live(write_workbook(tmp_path / "late.xlsx", cash, case))
    assert case.npv.mean < 0 and found["payback"] == "never"
    assert found["NPV"] == pytest.approx(case.npv.mean, rel=1e-9)
    assert found["break-even margin"] == pytest.approx(case.break_even_margin.expected, rel=1e-9)


def test_the_same_case_gives_the_same_bytes(book, tmp_path):
    path, _, _ = book
    cash, case = make()
    assert write_workbook(tmp_path / "again.xlsx", cash, case).read_bytes() == path.read_bytes()


def test_text_is_never_taken_for_a_formula(book):
    sheet = openpyxl.load_workbook(book[0])["Assumptions"]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=2, max_col=4)}
    assert rows["=1+1"][0].data_type == rows["=1+1"][1].data_type == "s"
    assert rows["margin"][1].value == 0.4 and rows["margin"][3].value == "finance"


def test_sentences_are_told_under_the_assumptions_and_numbers_shown_by_their_unit(tmp_path):
    cash, case = make()
    said = "Spending in the next 13 periods repeats the last 13."
    found = (
        Assumption("plan 1", said, "", Source.DEFAULT),
        Assumption("effect of tv", 0.0440, "share of outcome", Source.DATA, 0.018, 0.105),
        Assumption("memory of the brand", 32.63, "half-life in periods", Source.PRIOR),
    )
    case = replace(case, assumptions=(*case.assumptions, *found))
    sheet = openpyxl.load_workbook(write_workbook(tmp_path / "case.xlsx", cash, case))[
        "Assumptions"
    ]
    first = [cell.value for cell in sheet["A"]]
    assert f"plan 1: {said} (default)" in first and "plan 1" not in first
    styles = {row[0].value: [cell.number_format for cell in row] for row in sheet.iter_rows()}
    assert styles["effect of tv"][1] == styles["effect of tv"][5] == "0.00%"
    assert styles["margin"][1] == styles["discount_rate"][1] == "0.00%"
    assert styles["memory of the brand"][1] == "0.00"
    assert styles["payment_delay"][1] == "#,##0"


def test_every_table_of_the_case_has_a_style_for_its_numbers():
    swing = ("margin", "finance", "default", "share of outcome value", 0.36, 0.44, -4e4, 7e4)
    head = ("assumption", "source", "range", "unit", "low", "high", "NPV at low", "NPV at high")
    assert styles_of(head, swing)[4:] == ["0.00%", "0.00%", "#,##0.00", "#,##0.00"]
    reading = ("Cost of each", 12.5, 10.0, 15.0, "money")
    assert styles_of(("reading", "value", "p05", "p95", "unit"), reading)[1] == "#,##0.00"


def test_loaded_costs_a_curve_and_customers_are_live_too(tmp_path):
    rich = Finance(
        margin=(0.3, 0.5),
        discount_curve=((0.01, 0.05), (0.1, 0.3)),
        tax_rate=0.25,
        collection=(0.5, 0.5),
        customers={"retention": (0.8, 0.9), "orders_per_period": 0.1, "order_value": 20.0},
        costs=[{"name": "film", "amount": 30.0, "kind": "production", "periods": 8}],
        company={"market_value": 9e5, "replacement_cost": 6e5},
        horizon=10,
    )
    cash, case = make(rich, roi=2.5)
    path = write_workbook(tmp_path / "rich.xlsx", cash, case)
    found = live(path)
    for label, figure in {
        "NPV": case.npv.mean,
        "NPV, from present values": case.npv.mean,
        "NPV per unit of cost": case.npv_per_cost.mean,
        "internal rate of return by date": case.xirr.per_year.expected,
        "break-even margin": case.break_even_margin.expected,
        "payback": case.payback.periods.expected,
    }.items():
        # XIRR of a spreadsheet stops its search early
        near = 1e-7 if "by date" in label else 1e-9
        assert found[label] == pytest.approx(figure, rel=near), label
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[3:] == ["From value to NPV", "By horizon", "Company"]
    for sheet, column, style in (
        ("From value to NPV", "B", "#,##0.00"),
        ("By horizon", "B", "yyyy-mm-dd"),
        ("By horizon", "C", "#,##0.00"),
        ("By horizon", "G", "0.00%"),
    ):
        assert {cell.number_format for cell in book[sheet][column][1:]} == {style}
    assert all(cell.is_date for cell in book["By horizon"]["B"][1:])
    steps = [row[1].value for row in book["From value to NPV"].iter_rows(min_row=2)]
    assert sum(steps[:-1]) == pytest.approx(steps[-1]) == case.npv.mean
