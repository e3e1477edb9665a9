from portalocker import AlreadyLocked as AlreadyLocked
from portalocker import LockException as LockException
from portalocker import LockFlags as LockFlags
from portalocker import lock as lock

__all__ = ["AlreadyLocked", "LockException", "LockFlags", "lock"]

EXCLUSIVE: LockFlags
SHARED: LockFlags
