"""What a study says: frozen, validated blocks of the study file, the same objects in Python."""

from mmm.config.batch import Batch, Promote, Retention, TableSource
from mmm.config.brand import Brand, BrandGroup, Survey
from mmm.config.channel import Channel, Costs, Prior, Role
from mmm.config.finance import Company, CostKind, CostLine, Customers, Finance
from mmm.config.lag import Lag
from mmm.config.path import Path, PathPrior
from mmm.config.plan import PlanGroup, PlanSettings
from mmm.config.study import (
    Baseline,
    DataSource,
    Inference,
    Outcome,
    OutcomeKind,
    Study,
    Unmeasured,
)

__all__ = [
    "Baseline",
    "Batch",
    "Brand",
    "BrandGroup",
    "Channel",
    "Company",
    "CostKind",
    "CostLine",
    "Costs",
    "Customers",
    "DataSource",
    "Finance",
    "Inference",
    "Lag",
    "Outcome",
    "OutcomeKind",
    "Path",
    "PathPrior",
    "PlanGroup",
    "PlanSettings",
    "Prior",
    "Promote",
    "Retention",
    "Role",
    "Study",
    "Survey",
    "TableSource",
    "Unmeasured",
]
