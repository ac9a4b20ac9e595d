"""Draws the README's picture of a report: `python docs/images/render.py [REPORT.html]`.

Without an argument it runs `mmm demo` first, in a directory of its own. Needs Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).with_name("report.png")
SIZE = "1000,2270"
"""Width and height of the page that is shown: the answer, and the case in its first charts."""
SCALE = 0.8


def drawn(page: Path, picture: Path, folder: Path) -> None:
    """The top of `page` in `picture`; the browser keeps its profile in `folder`."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no Chromium on the path")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               f"--force-device-scale-factor={SCALE}")  # fmt: skip
    subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'profile'}", f"--window-size={SIZE}",
         f"--screenshot={picture}", page.resolve().as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def demo_report(folder: Path) -> Path:
    """The report of the example that comes with the library."""
    subprocess.run([sys.executable, "-m", "mmm", "demo", "--out", folder / "demo"], check=True)
    return folder / "demo" / "results" / "report.html"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = Path(sys.argv[1]) if len(sys.argv) > 1 else demo_report(folder)
        drawn(page, PICTURE, folder)


if __name__ == "__main__":
    main()
