"""The tests, in the folders of the code. `test_<module>.py`, or a folder of the module's name, tests a
module; where a module has neither, the docstring of the nearest package here says where it is tested.
test_mirror.py holds both.

`system` starts whole stacks, `faults` harms Redis, `compose` needs a container engine, `browser` drives the
login page and `deploy` the files for platforms. `scaffold/` is tested in `generators`, and the modules of
`generators/` by test_generated. The other modules here are what tests share: servers, clients, ports and
processes.
"""
