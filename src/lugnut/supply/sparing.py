"""What a sync leaves in place though nobody asks for it: the tools that people work with in an environment."""

from __future__ import annotations

from collections.abc import Collection

from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.installed import find_installed
from lugnut.unmet import find_needed

TOOLS = frozenset(map(Name, ("pip", "setuptools", "lugnut")))


def find_unwanted(environment: Environment, wanted: Collection[Name], *, exact: bool) -> list[Name]:
    """Name what is installed beyond what is wanted; pip, setuptools, lugnut and what they need are, unless `exact`."""
    installed = {found.name for found in find_installed(environment)}
    spared = set() if exact else find_needed(environment, TOOLS & installed)
    return sorted(installed - set(wanted) - spared)
