"""Adstock, saturation and baseline bases: formulas, sources and default priors."""
