"""Sampling, diagnostics, and the fit as a value that can be saved and read back."""
