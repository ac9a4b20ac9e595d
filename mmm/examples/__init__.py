"""Studies that come with the library: published figures and a simulated world."""

from mmm.examples.pinkham import (
    PALDA_LONG_RUN,
    PALDA_RETENTION,
    PALDA_SHORT_RUN,
    pinkham_study,
)
from mmm.examples.write import example_names, write_example

__all__ = [
    "PALDA_LONG_RUN",
    "PALDA_RETENTION",
    "PALDA_SHORT_RUN",
    "example_names",
    "pinkham_study",
    "write_example",
]
