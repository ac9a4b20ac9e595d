"""What a study says: frozen, validated blocks of the study file, the same objects in Python."""

from mmm.config.channel import Channel, Costs, Prior, Role
from mmm.config.finance import Finance
from mmm.config.lag import Lag
from mmm.config.path import Path, PathPrior
from mmm.config.study import (
    Baseline,
    Brand,
    DataSource,
    Inference,
    Outcome,
    OutcomeKind,
    PlanSettings,
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
    "Lag",
    "Outcome",
    "OutcomeKind",
    "Path",
    "PathPrior",
    "PlanSettings",
    "Prior",
    "Role",
    "Study",
    "Unmeasured",
]
