"""The case's tables as rows: a header, then one row an entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmm.invest.case import InvestmentCase

Rows = Sequence[Sequence[object]]


def tables(case: InvestmentCase) -> Iterator[tuple[str, tuple[float, ...], Rows]]:
    """Title, column widths and rows of each table of a workbook; those without entries left out."""
    found = (
        ("From value to NPV", (28, 18, 18, 18, 18), bridge_rows(case)),
        ("By horizon", (12, 14, 18, 18, 18, 18, 18, 14), horizon_rows(case)),
        ("What moves it", (34, 14, 14, 28, 14, 14, 16, 16, 14, 14, 18, 18), tornado_rows(case)),
        ("How far priors do", (22, 10, 18, 18, 18, 10, 14, 10, 12), prior_rows(case)),
        ("Company", (46, 16, 16, 16, 34, 90, 60), company_rows(case)),
    )
    for title, widths, rows in found:
        if len(rows) > 1:
            yield title, widths, rows


def bridge_rows(case: InvestmentCase) -> Rows:
    """Steps from outcome value to NPV, in money."""
    return [
        ("step", "expected", "p05", "p50", "p95"),
        *(
            (step.name, step.amount.mean, step.amount.p05, step.amount.p50, step.amount.p95)
            for step in case.bridge
        ),
    ]


def horizon_rows(case: InvestmentCase) -> Rows:
    """NPV at each horizon."""
    head = ("periods", "to", "NPV", "p05", "p50", "p95", "probability of loss", "counted")
    return [
        head,
        *(
            (
                row.periods,
                row.date.to_pydatetime(),
                row.npv.mean,
                row.npv.p05,
                row.npv.p50,
                row.npv.p95,
                row.probability_of_loss,
                "yes" if row.within_horizon else "past the horizon",
            )
            for row in case.npv_by_horizon
        ),
    ]


def tornado_rows(case: InvestmentCase) -> Rows:
    """Each assumption at its low and its high value, widest swing first."""
    head = (
        "assumption", "source", "range", "unit", "low", "high", "NPV at low", "NPV at high",
        "P at low", "P at high", "verdict at low", "verdict at high",
    )  # fmt: skip
    return [
        head,
        *(
            (
                one.name, one.source, one.basis, one.unit, one.low, one.high, one.npv_low,
                one.npv_high, one.probability_low, one.probability_high, one.verdict_low,
                one.verdict_high,
            )
            for one in case.tornado
        ),
    ]  # fmt: skip


def prior_rows(case: InvestmentCase) -> Rows:
    """The case under weaker and stronger priors."""
    head = (
        "priors of", "power", "NPV", "probability of loss", "verdict", "Pareto k",
        "effective draws", "reliable", "sensitivity",
    )  # fmt: skip
    return [
        head,
        *(
            (
                one.priors, one.alpha, one.npv_mean, one.probability_of_loss, one.verdict,
                one.pareto_k, one.effective_draws, "yes" if one.reliable else "no",
                one.sensitivity,
            )
            for one in case.prior_sensitivity
        ),
    ]  # fmt: skip


def company_rows(case: InvestmentCase) -> Rows:
    """Readings of the plan's customers and of the whole company."""
    rows: list[Sequence[object]] = [("reading", "value", "p05", "p95", "unit", "words", "source")]
    if case.customers is not None:
        one, money = case.customers, case.currency or "money"
        price = one.cost_per_customer
        for name, mean, low, high, unit in (
            ("New customers of this plan", one.won.mean, one.won.p05, one.won.p95, "customers"),
            ("Cost of each", price.expected, price.p05, price.p95, money),
            (
                "Lifetime value of each", one.lifetime_value.mean, one.lifetime_value.p05,
                one.lifetime_value.p95, money,
            ),
            (
                "Lifetime value over cost", one.value_to_cost.mean, one.value_to_cost.p05,
                one.value_to_cost.p95, "times",
            ),
        ):  # fmt: skip
            rows.append((name, mean, low, high, unit, "", ""))
    rows += [
        (one.name, one.value, one.p05, one.p95, one.unit, one.words, one.source)
        for one in case.company
    ]
    return rows
