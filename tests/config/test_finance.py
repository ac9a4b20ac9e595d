"""The finance block: nonsense is refused by the name of its key, with the fix."""

import pytest
from pydantic import ValidationError

from mmm.config import Finance
from mmm.config.load import load_study
from mmm.errors import InputError

GOOD = """\
study: shop
data: {file: data.csv, date: week}
outcome: {column: revenue, kind: revenue, currency: EUR}
channels:
  - {name: tv, spend: tv_spend, role: both}
plan: {horizon: 26}
"""
CUSTOMERS = "retention: 0.9, orders_per_period: 0.1, order_value: 50"


def finding_of(tmp_path, finance, study=GOOD):
    path = tmp_path / "study.yaml"
    path.write_text(f"{study}finance: {{{finance}}}\n")
    with pytest.raises(InputError) as refused:
        load_study(path)
    (finding,) = refused.value.findings
    return finding


@pytest.mark.parametrize(
    ("finance", "place", "says"),
    [
        ("margin: -0.2", "finance.margin", "allow_negative_margin: true"),
        ("margin: [-0.1, 0.3]", "finance.margin", "every sale would lose money"),
        ("margin: 1.2", "finance.margin", "more than all outcome value"),
        ("margin: 40", "finance.margin", "0.4 is 40 %"),
        ("margin: [0.5, 0.3]", "finance.margin", "low to high"),
        ("discount_rate: 9", "finance.discount_rate", "at most 1, got 9"),
        ("discount_rate: -0.1", "finance.discount_rate", "at least 0"),
        ("discount_curve: [[1, 0.05], [0.5, 0.04]]", "finance.discount_curve", "do not rise"),
        ("discount_curve: [[1, 0.5], [2, 0.01]]", "finance.discount_curve", "so steeply"),
        ("discount_curve: [[1, 9.0]]", "finance.discount_curve[0][1]", "at most 1"),
        ("discount_rate: 0.1, discount_curve: [[1, 0.05]]", "finance", "both given"),
        ("horizon: 25", "study.yaml", "'finance.horizon' of 25 periods ends before"),
        (
            "horizon: 30, payment_delay: 29, collection: [0, 1.0]",
            "study.yaml",
            "give at least 31 periods",
        ),
        ("currency: USD", "study.yaml", "outcome is in EUR but finance is in USD"),
        ("company: {currency: USD, revenue: 5}", "study.yaml", "finance is in USD"),
        (
            "currency: EUR, costs: [{name: film, amount: 5, currency: GBP}]",
            "finance",
            "mixes currencies (EUR, GBP)",
        ),
        ("collection: [0.6, 0.3]", "finance.collection", "add up to 0.9, not 1"),
        ("hurdle: 50", "finance.hurdle", "at most 3, got 50"),
        ("hurdle: -2", "finance.hurdle", "at least -1"),
        ("risk_level: 0.6", "finance.risk_level", "below 0.5"),
        ("costs: [{name: film, amount: -5}]", "finance.costs[0].amount", "above 0"),
        (
            "costs: [{name: film, amount: 5}, {name: film, amount: 5}]",
            "finance.costs",
            "named twice: film",
        ),
        ("costs: [{name: film, amount: 5, kind: movie}]", "finance.costs[0].kind", "production"),
        ("customers: {retention: 1, orders_per_period: 1, order_value: 5}", "finance", "ever lea"),
        ("customers: {retention: 1.5, orders_per_period: 1}", "retention", "not a part of a whole"),
        ("customers: {orders_per_period: 1}", "finance.customers", "'retention' or 'churn'"),
        ("customers: {churn: 0.1}", "finance.customers", "'value_per_period' or"),
        (
            "customers: {churn: 0.1, orders_per_period: 1}",
            "study.yaml",
            "needs 'order_value', as the outcome is revenue",
        ),
        (f"customers: {{{CUSTOMERS}}}, repeat_value: 0.1", "finance", "keep one"),
        ("company: {market_value: 5}", "finance.company", "replacement_cost"),
        ("ranges: {margn: [0.3, 0.5]}", "finance", "did you mean 'margin'"),
        ("ranges: {retention: [0.3, 0.5]}", "finance", "belongs to 'customers'"),
        ("ranges: {discount_rate: [0.05, 9]}", "finance", "'discount_rate' cannot be 9"),
        ("ranges: {margin: [-0.3, 0.5]}", "finance", "'margin' cannot be -0.3"),
    ],
)
def test_nonsense_is_refused_by_name(tmp_path, finance, place, says):
    finding = finding_of(tmp_path, finance)
    assert place in finding.where
    assert says.lower() in f"{finding.message} {finding.remedy}".lower()


def test_a_negative_margin_may_be_meant():
    assert Finance(margin=-0.1, allow_negative_margin=True).margin == -0.1


def test_customers_are_counted_where_the_outcome_counts_them(tmp_path):
    path = tmp_path / "study.yaml"
    study = GOOD.replace("kind: revenue", "kind: customers")
    path.write_text(f"{study}finance: {{customers: {{churn: 0.1, orders_per_period: 1}}}}\n")
    assert load_study(path).finance.customers.kept == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("margin", 0.3, 0.3),
        ("payment_delay", 2.4, 2),
        ("horizon", 60.0, 60),
        ("retention", 0.8, 0.8),
        ("order_value", 60.0, 60.0),
    ],
)
def test_one_assumption_at_another_value(name, value, expected):
    stated = {"churn": 0.1, "orders_per_period": 0.2, "order_value": 50.0}
    finance = Finance(margin=(0.2, 0.4), customers=stated, ranges={"margin": (0.1, 0.6)})
    moved = finance.replaced(name, value)
    holder = moved.customers if name in ("retention", "order_value") else moved
    assert getattr(holder, name) == expected
    assert moved.model_fields_set >= {"margin", "customers"} and moved.ranges == {}
    with pytest.raises(ValidationError):
        finance.replaced("tax_rate", 3.0)


def test_what_was_stated_survives_being_written_down():
    finance = Finance(margin=0.4, discount_curve=((1.0, 0.05),)).settled(52.18)
    read = Finance.model_validate_json(finance.model_dump_json())
    assert read.stating(finance.model_fields_set).model_fields_set == {"margin", "discount_curve"}


def test_one_number_for_those_who_need_one():
    assert Finance(margin=(0.2, 0.5)).expected_margin == pytest.approx(0.35)
    assert Finance(margin=0.4).expected_margin == 0.4
    curve = Finance(discount_curve=((1.0, 0.02), (3.0, 0.06)))
    assert [curve.rate_at(years) for years in (0, 2, 9)] == pytest.approx([0.02, 0.04, 0.06])
    assert Finance(discount_rate=0.09).rate_at(4) == 0.09
