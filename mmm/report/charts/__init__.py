"""Charts: each function takes frames and gives a `Figure` of inline SVG."""
