"""Logs, the audit file and metrics. Traces of requests are in `edge.http.traces`."""
