"""Study files on disk."""

from __future__ import annotations

import pytest


@pytest.fixture
def study_file(tmp_path):
    """Writes text, or bytes as they are, as a study file and gives its path."""

    def write(text: str | bytes):
        path = tmp_path / "study.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
