"""Searches by chance, bounded in time, for inputs and loads that the running services do not withstand."""
