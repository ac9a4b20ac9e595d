"""The evaluation suite: where the model has been wrong, and how far its answers hold."""
