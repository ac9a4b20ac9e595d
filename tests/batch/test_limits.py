"""Limits of time and memory end the process that passes them, and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mmm.batch.limits import limits

PASSES = """
import time
from mmm.batch import limits
limits.GRACE = 0.3
with limits.limits({time}, {memory}, lambda why: print(why, flush=True)):
    held = bytearray({size})
    time.sleep(20.0)
print("went on")
"""


@pytest.mark.parametrize(
    ("time", "memory", "size", "words"),
    [
        (0.3, None, 1, "took longer than the time limit of 0.3 s"),
        (None, 200_000_000, 300_000_000, "more than the memory limit of 200 MB"),
    ],
)
def test_a_process_past_its_limit_says_why_and_ends(time, memory, size, words):
    code = PASSES.format(time=time, memory=memory, size=size)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=15, check=False
    )
    assert done.returncode == 1, done.stderr
    assert words in done.stdout
    assert "went on" not in done.stdout


@pytest.mark.parametrize(("time", "memory"), [(None, None), (60.0, None), (60.0, 10**12)])
def test_within_its_limits_nothing_is_said(time, memory):
    said: list[str] = []
    with limits(time, memory, said.append):
        sum(range(100_000))
    assert said == []
