"""Admission: session, cuts, rates, budgets and places, decided in one exchange with Redis."""
