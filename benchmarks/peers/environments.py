"""One virtual environment a peer, made once, and a description of this machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
MMM, PYMC_MARKETING, MERIDIAN = "mmm", "PyMC-Marketing", "Meridian"
LIBRARIES = (MMM, PYMC_MARKETING, MERIDIAN)
WORKERS = {
    MMM: "worker_mmm.py",
    PYMC_MARKETING: "worker_pymc_marketing.py",
    MERIDIAN: "worker_meridian.py",
}
REQUIREMENTS = {
    PYMC_MARKETING: "requirements-pymc-marketing.txt",
    MERIDIAN: "requirements-meridian.txt",
}


def default_folder() -> Path:
    """Where environments, data and caches go: the user's cache directory."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "mmm-peers"


def interpreter(library: str, root: Path) -> Path:
    """The Python that runs `library`; makes its environment when there is none, or an old one.

    `mmm` runs in the present environment. Raises `subprocess.CalledProcessError` when an
    installation fails.
    """
    if library == MMM:
        return Path(sys.executable)
    requirements = HERE / REQUIREMENTS[library]
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    folder = root / library.lower()
    python = folder / "bin" / "python"
    marker = folder / "requirements.sha256"
    if python.exists() and marker.is_file() and marker.read_text("ascii") == wanted:
        return python
    print(f"{library}: making its environment in {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
    if uv:
        subprocess.run([uv, "venv", "--python", sys.executable, str(folder)], check=True)
        # bytecode now, so that no timed import writes it
        install = [uv, "pip", "install", "--compile-bytecode", "--python", str(python)]
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install"]
    subprocess.run([*install, "-r", str(requirements)], check=True)
    marker.write_text(wanted, "ascii")
    return python


def machine() -> dict[str, object]:
    """What the timings depend on."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": memory_gb(),
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3, 1)
