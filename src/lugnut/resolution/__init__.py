"""What is asked for to a lock (PEP 751), by uv or pip; and where both of them look.

`indexes` gathers where to look from flags, variables and the configuration of uv and pip. `resolving` answers a
`question` by a backend that `choice` finds: `uv` or `pip`, which `told` tells the very same of indexes and route.
`lockfile` is a lock on disk.
"""
