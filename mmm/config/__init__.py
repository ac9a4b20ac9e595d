"""What a study says: frozen, validated blocks of the study file, the same objects in Python."""

from mmm.config.batch import Batch, Promote, Retention, TableSource
from mmm.config.channel import Channel, Costs, Prior, Role
from mmm.config.finance import Finance
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
    "Batch",
    "Brand",
    "Channel",
    "Costs",
    "DataSource",
    "Finance",
    "Inference",
    "Outcome",
    "OutcomeKind",
    "PlanSettings",
    "Prior",
    "Promote",
    "Retention",
    "Role",
    "Study",
    "TableSource",
    "Unmeasured",
]
