"""PyTensor expressions evaluated without compiling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor
import pytest
from pytensor.compile.mode import Mode

FAST = Mode(linker="py", optimizer=None)


@pytest.fixture(scope="session")
def evaluate() -> Callable[[Any], np.ndarray]:
    """The value of a constant expression, or of an array."""

    def value(expression: Any) -> np.ndarray:
        if isinstance(expression, np.ndarray | float):
            return np.asarray(expression)
        return np.asarray(pytensor.function([], expression, mode=FAST)())

    return value
