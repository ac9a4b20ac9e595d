"""From draws of incremental outcome value and dated costs to an investment case."""
