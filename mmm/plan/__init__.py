"""What lies ahead: scenarios and forecasts."""
