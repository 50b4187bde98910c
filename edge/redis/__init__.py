"""The Redis client: pipelines within a deadline to one server, Sentinel or a Cluster.

The keys and scripts belong to the services that use them.
"""
