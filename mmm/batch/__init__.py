"""Many studies, unattended: planned, spread over workers, stored whole, deployed by rules."""
