"""From a source to a wheel: an sdist, a source tree or a commit, built by its own backend (PEP 517), editables too.

`recipe` has the values, `wheels` the story of one build, `caching` keeps what is built of a source that cannot change.
`archives` unpacks sdists, `repositories` checks commits out, `isolation` makes the environment a backend runs in,
`backend` runs its hooks, `lacking` looks what a Python that is used as it is lacks, `complaints` finds the line of a
log that says why. The backend is somebody else's program: what it does is not held back, only where it is started.
"""
