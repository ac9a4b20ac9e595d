"""How much is fitted again, and with how many draws."""

from __future__ import annotations

from dataclasses import dataclass

from mmm.config import Study


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How thorough an evaluation is.

    chains, draws: of every refit that is not a reseeding (never more than the study asks for).
    origins: of the backtest. placebos: shifted copies tried in all. seeds: reseedings.
    jitters: outcomes with a tenth of the noise added. weeks: odd periods replaced one by one.
    specifications: whether other specifications are forecast with as well.
    """

    chains: int = 2
    draws: int = 300
    origins: int = 8
    placebos: int = 24
    seeds: int = 2
    jitters: int = 3
    weeks: int = 2
    specifications: bool = True


QUICK = EvaluationSettings(
    draws=200, origins=3, placebos=6, seeds=1, jitters=1, weeks=1, specifications=False
)


def lighter(study: Study, settings: EvaluationSettings, **changes: object) -> Study:
    """`study` with the chains and draws of a refit; `changes` are keys of `inference`."""
    own = study.inference
    update = {
        "chains": min(own.chains, settings.chains),
        "draws": min(own.draws, settings.draws),
    }
    return study.model_copy(update={"inference": own.model_copy(update=update | changes)})
