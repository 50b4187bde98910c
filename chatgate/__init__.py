"""The command line, for a developer with a clone and for an operator of the services."""
