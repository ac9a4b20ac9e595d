"""What a study says: frozen, validated blocks of the study file, the same objects in Python."""

from mmm.config.channel import Channel, Costs, Prior, Role
from mmm.config.finance import Finance
from mmm.config.plan import PlanGroup, PlanSettings
from mmm.config.study import (
    Baseline,
    Brand,
    DataSource,
    Inference,
    Outcome,
    OutcomeKind,
    Study,
    Unmeasured,
)

__all__ = [
    "Baseline",
    "Brand",
    "Channel",
    "Costs",
    "DataSource",
    "Finance",
    "Inference",
    "Outcome",
    "OutcomeKind",
    "PlanGroup",
    "PlanSettings",
    "Prior",
    "Role",
    "Study",
    "Unmeasured",
]
