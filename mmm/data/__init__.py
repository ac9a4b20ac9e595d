"""Reading, checking and scaling what was spent and what came of it."""
