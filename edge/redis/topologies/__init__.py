"""One file for each way to find the master: a server, Sentinel, a Cluster."""
