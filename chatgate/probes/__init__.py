"""The probes of `chatgate check --connect`: one file for each thing that the configuration names and that is
asked as the services will ask it, and the result that all of them give.

`stack` starts the services; `doctor` looks at a deployed site from outside and reads no configuration.
"""
