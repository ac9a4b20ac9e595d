"""Columns of the table of natural parameters, one row a channel."""

SHARE, SPLIT, ADSTOCK_1, ADSTOCK_2, HALF, SLOPE, CARRY, SPREAD, MEMORY, DRIFT = range(10)
COLUMNS = 10
