"""Makes `.venv` beside this checkout and installs the library there, exactly as locked.

`python3 .ci/install.py` installs what running needs; `--dev` adds what tests, checks and
pages need, and Chromium and PostgreSQL where this may install Debian's packages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
SUPPORTED = ((3, 12), (3, 13))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SERVERS = Path("/usr/lib/postgresql")
"""Where Debian keeps PostgreSQL, by version and off the path."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    dev = parser.parse_args().dev
    if sys.version_info[:2] not in SUPPORTED:
        print(
            f"mmm needs Python 3.12 or 3.13 and this is {sys.version.split()[0]}: "
            f"run it as 'python3.12 {sys.argv[0]}'",
            file=sys.stderr,
        )
        return 2
    lock = ROOT / ("requirements-dev.lock" if dev else "requirements.lock")
    make_environment()
    install_uv(lock)
    uv_install("--require-hashes", "-r", str(lock))
    uv_install("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    if dev:
        compile_packages()
        install_programs()
    return 0


def make_environment() -> None:
    """Reuses a `.venv` of this Python; one of another Python is made anew."""
    if PYTHON.exists():
        version = "import sys; print(*sys.version_info[:2])"
        found = subprocess.run([PYTHON, "-c", version], capture_output=True, text=True, check=False)
        if found.stdout.split() == [str(part) for part in sys.version_info[:2]]:
            return
        print("Making .venv anew: the one here is of another Python.")
    venv.create(ENVIRONMENT, clear=True, with_pip=True)


def install_uv(lock: Path) -> None:
    """Installs the locked uv with pip: it installs the rest some fifteen times faster."""
    pin = locked_requirement("uv", lock.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "uv.lock"
        one.write_text(pin, encoding="utf-8")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--require-hashes", "-r", one], check=True)


def locked_requirement(name: str, lock: str) -> str:
    """The lines of one package in a lock: its version and its hashes."""
    lines = lock.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{name}=="))
    stop = next(i for i in range(start, len(lines)) if not lines[i].rstrip().endswith("\\"))
    return "".join(lines[start : stop + 1])


def uv_install(*arguments: str) -> None:
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON]
    subprocess.run([*uv, *arguments], check=True, cwd=ROOT)


def compile_packages() -> None:
    """Tests start the command many times, which each time costs seconds without bytecode."""
    packages = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.run([PYTHON, "-c", packages], capture_output=True, text=True, check=True)
    # some packages ship files for another Python, which do not compile and do not matter
    compiled = [PYTHON, "-m", "compileall", "-qq", "-j", "0", folder.stdout.strip()]
    subprocess.run(compiled, check=False)


def install_programs() -> None:
    """Chromium draws the report in the tests, and PostgreSQL serves them rows; without these they
    say which of them did not run."""
    wanted = []
    if not any(shutil.which(name) for name in BROWSERS):
        wanted += ["chromium", "fonts-liberation"]
    if not (any(SERVERS.glob("*/bin/postgres")) or shutil.which("postgres")):
        wanted += ["postgresql"]
    if not wanted:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"No {' and '.join(wanted)} here: tests that need them will not run.")
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *wanted],
    ):
        done = subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            told = f"'{' '.join(command)}' failed: tests that need it will not run."
            print(told, file=sys.stderr)
            return


if __name__ == "__main__":
    sys.exit(main())
