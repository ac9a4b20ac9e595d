"""The model: specification, design matrices, compiled likelihood, and the same in PyMC."""
