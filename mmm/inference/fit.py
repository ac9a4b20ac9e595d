"""The fit: study, panel and draws as one frozen value; fitting, saving and reading it back."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import overload

import h5py
import numpy as np
import xarray as xr
from pydantic import ValidationError

from mmm.config import Study
from mmm.data.experiment import experiments_from_json, experiments_to_json
from mmm.data.panel import Panel
from mmm.errors import ModelError, StoredFitError
from mmm.inference.jax_chains import sample_jax
from mmm.inference.netcdf import write_netcdf
from mmm.inference.sample import Progress, sample
from mmm.model import kernel
from mmm.model.density import Density, build_density, natural_values
from mmm.model.design import build_design
from mmm.model.graph import path_regressions
from mmm.model.spec import model_spec

FORMAT = "mmm-fit-1"
LIBRARIES = ("mmm", "pymc", "pytensor", "nutpie", "numba", "numpy", "xarray", "arviz")


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: everything needed to read any result from it.

    `posterior` holds the sampled scalars only, each (chain, draw, its labels), on their natural
    scale; linear coefficients are drawn from their exact conditional when results are read.
    `statistics` are the sampler's. `versions` names the libraries that made it; `timings` are
    seconds of build, compile and sampling (empty for a fit read from disk).

    `paths` are the fits of the study's paths, each after those it hangs on, of as many draws:
    the same numbers of all fits together are draws of the whole. `known` keeps what has been
    rebuilt of study and panel; a fit of another study or panel is another value.
    """

    study: Study
    panel: Panel
    posterior: xr.Dataset
    statistics: xr.Dataset
    versions: Mapping[str, str]
    timings: Mapping[str, float] = field(default_factory=dict)
    paths: Mapping[str, Fit] = field(default_factory=dict)
    known: dict[str, Density] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def draws(self) -> int:
        """Draws of all chains together."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]

    def density(self) -> Density:
        """The log-density that was sampled, rebuilt from study and panel the first time."""
        if "density" not in self.known:
            spec = model_spec(self.study, self.panel)
            self.known["density"] = build_density(spec, build_design(spec, self.panel))
        return self.known["density"]

    def values(self) -> np.ndarray:
        """Sampled scalars in the order of the density's layout, (draws, size)."""
        known = (self.posterior.variables[name] for name in self.posterior.data_vars)
        draws = [one.transpose("chain", "draw", ...).values for one in known]
        return np.concatenate([one.reshape(self.draws, -1) for one in draws], axis=1)


@overload
def fit(
    study: Study, panel: Panel, *, cores: int | None = None, progress: Progress | None = None
) -> Fit: ...


@overload
def fit(
    study: Study,
    panel: Sequence[Panel],
    *,
    cores: int | None = None,
    progress: Progress | None = None,
) -> list[Fit]: ...


def fit(
    study: Study,
    panel: Panel | Sequence[Panel],
    *,
    cores: int | None = None,
    progress: Progress | None = None,
) -> Fit | list[Fit]:
    """Samples the posterior of `study` on `panel`. Same inputs and seed, same draws.

    A sequence of panels (brands, markets, folds of a backtest) gives a list of fits in its
    order. Compiled code knows no study and no data: the first fit of a process loads it from
    the cache on disk, or compiles it where there is none, and no later one compiles anything,
    whatever its data, priors, channels or seed (`timings["compile_s"]` is then 0). A transform
    of your own compiles once in a process. The paths of a study are fitted one after the other,
    before the outcome.

    Raises `InputError` for priors that cannot be met, `ModelError` when no finite starting
    point exists. `progress` is called a few times a second with nutpie's chain progress.
    """
    if not isinstance(panel, Panel):
        return [fit(study, one, cores=cores, progress=progress) for one in panel]
    paths = {
        path.name: fit(path.study, path.panel, cores=cores, progress=progress)
        for path in path_regressions(study, panel)
    }
    started = time.perf_counter()
    spec = model_spec(study, panel)
    density = build_density(spec, build_design(spec, panel))
    compiling = kernel.prepare(spec.likelihood, told_too=density.told)
    trial, _ = density.value_and_gradient(density.centre())
    if not np.isfinite(trial):
        raise ModelError(
            f"study '{study.study}': the log-density is not finite at the centre of the priors. "
            "Check priors and data for extreme scales with `mmm check`."
        )
    ready = time.perf_counter()
    if study.inference.sampler == "nutpie":
        draws = sample(density, study.inference, cores=cores, progress=progress)
    else:
        draws = sample_jax(density, study.inference)
    values = natural_values(density, draws.unconstrained)
    timings = {
        "build_s": ready - started - compiling,
        "compile_s": compiling,
        "sample_s": time.perf_counter() - ready,
    }
    fitted = Fit(
        study=study,
        panel=panel,
        posterior=posterior_dataset(density, values),
        statistics=draws.statistics,
        versions=dict(library_versions()),
        timings={
            name: sum((path.timings[name] for path in paths.values()), seconds)
            for name, seconds in timings.items()
        },
        paths=paths,
    )
    fitted.known["density"] = density
    return fitted


def posterior_dataset(density: Density, values: np.ndarray) -> xr.Dataset:
    """Named variables, each (chain, draw, its labels), from natural values (chain, draw, size).

    Linear coefficients that were sampled rather than integrated out are `own_standard` (geo by
    term, flat) and `shared_standard`, whitened.
    """
    variables: dict[str, object] = {}
    coords: dict[str, object] = {}
    start = 0

    def add(name: str, dim: str, labels: Sequence[str]) -> None:
        nonlocal start
        stop = start + len(labels)
        variables[name] = (("chain", "draw", dim), values[:, :, start:stop])
        coords[dim] = np.array(labels, dtype=object)
        start = stop

    for variable in density.spec.variables:
        add(variable.name, variable.dim, variable.labels)
    if density.coefficients:
        own = [f"{geo}: {k}" for geo in density.spec.geos for k in range(density.own_size)]
        if own:
            add("own_standard", "own_standard_dim", own)
        shared = [str(k) for k in range(density.shared_size)]
        if shared:
            add("shared_standard", "shared_standard_dim", shared)
    return xr.Dataset(variables, coords=coords)


@cache
def library_versions() -> Mapping[str, str]:
    """Versions of the libraries that make a fit, looked up once a process."""
    return {name: version(name) for name in LIBRARIES}


def peak_memory_mb() -> float:
    """Peak resident memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0 * 1024.0 if sys.platform == "darwin" else 1024.0)


def data_sha256(panel: Panel) -> str:
    """A digest of the panel's labels and numbers, however the file was laid out."""
    digest = hashlib.sha256()
    labels = [panel.geos, panel.channels, panel.controls, [str(day) for day in panel.dates]]
    labels += [panel.paths] if panel.paths else []
    digest.update(json.dumps([panel.frequency, labels]).encode())
    for name in sorted(str(name) for name in panel.dataset.data_vars):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(panel.dataset[name].values).tobytes())
    if panel.experiments:
        digest.update(experiments_to_json(panel.experiments).encode())
    return digest.hexdigest()


def save_fit(result: Fit, path: str | os.PathLike[str]) -> Path:
    """Writes `fit.nc` (netCDF 4: numbers and JSON), whole or not at all."""
    target = Path(path)
    provenance = {
        "format": FORMAT,
        "study": result.study.model_dump_json(),
        "finance_stated": json.dumps(sorted(result.study.finance.model_fields_set)),
        "versions": json.dumps(dict(result.versions), sort_keys=True),
        "frequency": result.panel.frequency,
        "data_sha256": data_sha256(result.panel),
        "experiments": experiments_to_json(result.panel.experiments),
    }
    descriptor, name = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    os.close(descriptor)
    try:
        groups = {
            "posterior": result.posterior,
            "sample_stats": result.statistics,
            "panel": result.panel.dataset,
        }
        for path, fitted in result.paths.items():
            groups[f"paths/{path}/posterior"] = fitted.posterior
            groups[f"paths/{path}/sample_stats"] = fitted.statistics
        write_netcdf(name, provenance, groups)
        os.chmod(name, 0o644)
        os.replace(name, target)
    finally:
        if os.path.exists(name):
            os.unlink(name)
    return target


def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Reads a saved fit; raises `StoredFitError` when it is not one, or is damaged."""
    if not Path(path).is_file():
        what = "this is a directory" if Path(path).is_dir() else "there is no such file"
        raise StoredFitError(f"{path}: {what}. Name the fit that a run has saved, as fit.nc.")
    if not h5py.is_hdf5(path):
        raise StoredFitError(
            f"{path}: this is no saved fit. Name the fit that a run has saved, as fit.nc."
        )
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            attrs = dict(tree.attrs)
            if attrs.get("format") != FORMAT:
                raise StoredFitError(
                    f"{path}: not a fit of this version (format {attrs.get('format')!r}, "
                    f"needed {FORMAT!r}). Run the study again."
                )
            groups = {
                name: tree[name].to_dataset().load()
                for name in ("posterior", "sample_stats", "panel")
            }
            study = Study.model_validate_json(attrs["study"])
            known = experiments_from_json(attrs.get("experiments", "[]"))
            panel = Panel(groups["panel"], attrs["frequency"], known)
            versions = json.loads(attrs["versions"])
            paths = {
                path.name: Fit(
                    path.study,
                    path.panel,
                    tree[f"paths/{path.name}/posterior"].to_dataset().load(),
                    tree[f"paths/{path.name}/sample_stats"].to_dataset().load(),
                    versions,
                )
                for path in path_regressions(study, panel)
            }
    except (OSError, KeyError) as error:
        raise StoredFitError(f"{path}: cannot be read as a fit ({error}).") from error
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise StoredFitError(
            f"{path}: its study is refused by this version ({said}). Correct the study and run it."
        ) from error
    if data_sha256(panel) != attrs["data_sha256"]:
        raise StoredFitError(f"{path}: the stored data does not match its digest; fit again.")
    study = Study.model_validate_json(attrs["study"])
    if "finance_stated" in attrs:
        stated = study.finance.stating(json.loads(attrs["finance_stated"]))
        study = study.model_copy(update={"finance": stated})
    return Fit(
        study=study,
        panel=panel,
        posterior=groups["posterior"],
        statistics=groups["sample_stats"],
        versions=versions,
        paths=paths,
    )


def sampled_draws(fit: Fit, variable: str) -> np.ndarray:
    """Draws of a sampled variable, chain after chain, (D, labels)."""
    draws = fit.posterior.variables[variable].transpose("chain", "draw", ...).values
    return draws.reshape(fit.draws, -1)
