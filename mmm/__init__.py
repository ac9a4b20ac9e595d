"""From weekly spend and outcomes to an investment case, on one set of posterior draws.

Names load on first use, so `import mmm` is quick and brings in neither PyMC nor plotting.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmm import examples
    from mmm.batch.run import run_batch
    from mmm.config import Batch, Study
    from mmm.config.load import load_batch, load_study
    from mmm.data.geo_lift import GeoLift, estimate_geo_lift
    from mmm.data.load import load_panel, panel_from_frame
    from mmm.data.panel import Panel
    from mmm.efficiency.brand import brand_table
    from mmm.efficiency.breakdown import efficiency_by_geo, efficiency_by_quarter
    from mmm.efficiency.confounding import confounding_table
    from mmm.efficiency.curves import curves_table
    from mmm.efficiency.roi import efficiency_table
    from mmm.errors import Finding, InputError, MMMError
    from mmm.evaluate.settings import EvaluationSettings
    from mmm.evaluate.suite import Evaluation, evaluate_study
    from mmm.inference.fit import Fit, fit, load_fit, save_fit
    from mmm.invest.appraise import investment_case
    from mmm.invest.case import InvestmentCase
    from mmm.model.build import pymc_model
    from mmm.plan.backwards import read_backwards
    from mmm.plan.compare import comparison
    from mmm.plan.decision import Decision, decide
    from mmm.plan.forecast import forecast
    from mmm.plan.frontier import hurdle_budget, least_budget
    from mmm.plan.optimise import Optimum, optimise
    from mmm.plan.record import forecast_record
    from mmm.plan.scenario import Scenario, as_is
    from mmm.plan.scenarios import flighted_as, multiplied_by, read_scenario, stopped
    from mmm.results.contributions import contributions_table
    from mmm.results.paths import paths_table
    from mmm.results.respond import Response, response
    from mmm.simulate import simulate_world, write_world
    from mmm.study import check_study, run_study
    from mmm.study.analysis import Analysis, analyse
    from mmm.transforms.adstock import AdstockFamily
    from mmm.transforms.custom import register_adstock, register_saturation
    from mmm.transforms.lag_estimates import estimate_lags
    from mmm.transforms.saturation import SaturationFamily

__version__ = "0.1.0"

_HOME = {
    "AdstockFamily": "mmm.transforms.adstock",
    "Analysis": "mmm.study.analysis",
    "Batch": "mmm.config",
    "Decision": "mmm.plan.decision",
    "Evaluation": "mmm.evaluate.suite",
    "EvaluationSettings": "mmm.evaluate.settings",
    "Finding": "mmm.errors",
    "Fit": "mmm.inference.fit",
    "GeoLift": "mmm.data.geo_lift",
    "InputError": "mmm.errors",
    "InvestmentCase": "mmm.invest.case",
    "MMMError": "mmm.errors",
    "Optimum": "mmm.plan.optimise",
    "Panel": "mmm.data.panel",
    "Response": "mmm.results.respond",
    "SaturationFamily": "mmm.transforms.saturation",
    "Scenario": "mmm.plan.scenario",
    "Study": "mmm.config",
    "analyse": "mmm.study.analysis",
    "brand_table": "mmm.efficiency.brand",
    "as_is": "mmm.plan.scenario",
    "check_study": "mmm.study",
    "comparison": "mmm.plan.compare",
    "confounding_table": "mmm.efficiency.confounding",
    "contributions_table": "mmm.results.contributions",
    "curves_table": "mmm.efficiency.curves",
    "decide": "mmm.plan.decision",
    "efficiency_by_geo": "mmm.efficiency.breakdown",
    "efficiency_by_quarter": "mmm.efficiency.breakdown",
    "efficiency_table": "mmm.efficiency.roi",
    "estimate_geo_lift": "mmm.data.geo_lift",
    "estimate_lags": "mmm.transforms.lag_estimates",
    "evaluate_study": "mmm.evaluate.suite",
    "fit": "mmm.inference.fit",
    "flighted_as": "mmm.plan.scenarios",
    "forecast": "mmm.plan.forecast",
    "investment_case": "mmm.invest.appraise",
    "load_batch": "mmm.config.load",
    "forecast_record": "mmm.plan.record",
    "hurdle_budget": "mmm.plan.frontier",
    "least_budget": "mmm.plan.frontier",
    "load_fit": "mmm.inference.fit",
    "load_panel": "mmm.data.load",
    "load_study": "mmm.config.load",
    "multiplied_by": "mmm.plan.scenarios",
    "optimise": "mmm.plan.optimise",
    "panel_from_frame": "mmm.data.load",
    "paths_table": "mmm.results.paths",
    "pymc_model": "mmm.model.build",
    "read_backwards": "mmm.plan.backwards",
    "read_scenario": "mmm.plan.scenarios",
    "register_adstock": "mmm.transforms.custom",
    "register_saturation": "mmm.transforms.custom",
    "response": "mmm.results.respond",
    "run_batch": "mmm.batch.run",
    "run_study": "mmm.study",
    "save_fit": "mmm.inference.fit",
    "simulate_world": "mmm.simulate",
    "stopped": "mmm.plan.scenarios",
    "write_world": "mmm.simulate",
}
"""Where each public name lives."""

__all__ = [
    "AdstockFamily",
    "Analysis",
    "Batch",
    "Decision",
    "Evaluation",
    "EvaluationSettings",
    "Finding",
    "Fit",
    "GeoLift",
    "InputError",
    "InvestmentCase",
    "MMMError",
    "Optimum",
    "Panel",
    "Response",
    "SaturationFamily",
    "Scenario",
    "Study",
    "__version__",
    "analyse",
    "as_is",
    "brand_table",
    "check_study",
    "comparison",
    "confounding_table",
    "contributions_table",
    "curves_table",
    "decide",
    "efficiency_by_geo",
    "efficiency_by_quarter",
    "efficiency_table",
    "estimate_geo_lift",
    "estimate_lags",
    "evaluate_study",
    "examples",
    "fit",
    "flighted_as",
    "forecast",
    "forecast_record",
    "hurdle_budget",
    "investment_case",
    "least_budget",
    "load_batch",
    "load_fit",
    "load_panel",
    "load_study",
    "multiplied_by",
    "optimise",
    "panel_from_frame",
    "paths_table",
    "pymc_model",
    "read_backwards",
    "read_scenario",
    "register_adstock",
    "register_saturation",
    "response",
    "run_batch",
    "run_study",
    "save_fit",
    "simulate_world",
    "stopped",
    "write_world",
]


def __getattr__(name: str) -> Any:
    if name == "examples":
        return import_module("mmm.examples")
    if name not in _HOME:
        raise AttributeError(f"module 'mmm' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
