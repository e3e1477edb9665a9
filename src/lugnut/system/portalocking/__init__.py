"""portalocker's own modules, without its front door, which costs five times as much as they do.

`import portalocker` looks its version up through importlib.metadata, and loads semaphores, temporary files, logging and
Redis: 25 ms, a third of a small install (TRAPS 3). What takes a lock is in three of its modules, which are documented
and import nothing but each other. So this package's `__path__` is portalocker's directory: its files are loaded as
`lugnut.system.portalocking.portalocker` and so on, beside whatever `portalocker` another part of the process may use,
which stays as it is. Where they cannot be had so, the front door it is.
"""

from importlib.machinery import PathFinder

_found = PathFinder.find_spec("portalocker")
__path__ = [] if _found is None else list(_found.submodule_search_locations or ())

try:
    from lugnut.system.portalocking.constants import LockFlags
    from lugnut.system.portalocking.exceptions import AlreadyLocked, LockException
    from lugnut.system.portalocking.portalocker import lock
except ImportError:  # it is found by other means than sys.path, or a later one is cut otherwise
    from portalocker import AlreadyLocked, LockException, LockFlags, lock

EXCLUSIVE = LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING
SHARED = LockFlags.SHARED | LockFlags.NON_BLOCKING

__all__ = ["EXCLUSIVE", "SHARED", "AlreadyLocked", "LockException", "LockFlags", "lock"]
