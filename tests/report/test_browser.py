"""The page in a real browser: nothing on the console, something on screen and on paper."""

from __future__ import annotations

import html
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from mmm.report import render_report

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--hide-scrollbars",
)
FRAME = """<!doctype html><title></title><body>
<iframe width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe")
frame.onload = () => {{
  const root = frame.contentDocument.documentElement
  document.title = root.scrollWidth + " of " + root.clientWidth
}}
</script></body>"""


def browse(chromium: str, page: Path, folder: Path, *options: str) -> tuple[str, list[str]]:
    """What the browser wrote to stdout, and its console lines."""
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def pixel_rows(picture: bytes) -> list[bytes]:
    """The filtered scan lines of a PNG."""
    at, packed, width, height = 8, b"", 0, 0
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        kind, body = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        if kind == b"IDAT":
            packed += body
        at += length + 12
    plain = zlib.decompress(packed)
    stride = len(plain) // height
    assert stride >= width
    return [plain[row * stride + 1 : (row + 1) * stride] for row in range(height)]


@pytest.mark.parametrize("shape", ["annual", "weekly", "regional"])
def test_the_page_draws_without_a_word_on_the_console(chromium, rendered, shape, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(rendered(shape)[1], encoding="utf-8")
    picture = tmp_path / "page.png"
    options = (f"--screenshot={picture}", "--window-size=1366,4000")
    _, console = browse(chromium, page, tmp_path, *options)
    assert console == []
    rows = pixel_rows(picture.read_bytes())
    assert len(rows) == 4000
    drawn = sum(any(row) for row in rows)
    assert drawn > 1000


def test_the_console_is_heard(chromium, tmp_path):
    page = tmp_path / "broken.html"
    page.write_text("<!doctype html><script>missing()</script>", encoding="utf-8")
    _, console = browse(chromium, page, tmp_path, f"--screenshot={tmp_path / 'page.png'}")
    assert any("missing is not defined" in line for line in console)


def test_the_page_prints_on_a4_with_its_verdict(chromium, make, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(render_report(make["annual"](verdict="caution")), encoding="utf-8")
    paper = tmp_path / "report.pdf"
    _, console = browse(
        chromium, page, tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer"
    )
    assert console == []
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    boxes = re.findall(rb"/MediaBox\s*\[([^\]]*)\]", content)
    assert 8 <= len(boxes) <= 20
    for box in boxes:
        left, top, right, bottom = (float(number) for number in box.split())
        assert (right - left, bottom - top) == pytest.approx((595, 842), abs=2)


@pytest.mark.parametrize("width", [360, 1600])
def test_the_page_never_scrolls_sideways(chromium, rendered, width, tmp_path):
    page = tmp_path / "frame.html"
    inner = html.escape(rendered("weekly")[1])
    page.write_text(FRAME.format(width=width, page=inner), encoding="utf-8")
    written, _ = browse(chromium, page, tmp_path, "--dump-dom", "--window-size=1700,1000")
    found = re.search(r"<title>(\d+) of (\d+)</title>", written)
    assert found, written[:400]
    assert int(found[2]) == width
    assert int(found[1]) <= width
