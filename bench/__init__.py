"""Measurements of the services, beside their targets and the floor of what each could cost."""
