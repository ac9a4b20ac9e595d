"""`python -m mmm`: the same as the command `mmm`."""

from __future__ import annotations

from mmm.cli import app

if __name__ == "__main__":
    app(prog_name="mmm")
