"""Return on fully loaded cost, and response curves."""
