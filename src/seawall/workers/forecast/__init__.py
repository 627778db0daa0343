"""Weekly forecasts: candidates, a backtest that chooses between them, and the tables that show both."""
