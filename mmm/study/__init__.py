"""The whole job from a study file: check, fit, analyse, write."""

from mmm.study.job import CheckReport, RunResult, check_study, run_study

__all__ = ["CheckReport", "RunResult", "check_study", "run_study"]
