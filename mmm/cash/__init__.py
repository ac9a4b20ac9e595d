"""Dated cash of outcome and cost: when it comes, what it is worth, what customers add."""
