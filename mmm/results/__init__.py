"""What the posterior says: the response engine, contributions and the evidence ledger."""
