"""What a flag is, and which commands there are: the vocabulary of the tables of flags."""

from __future__ import annotations

from lugnut.typed import NamedTuple

SWITCH = "switch"
COUNT = "count"
VALUE = "value"
LIST = "list"


class Flag(NamedTuple):
    """One flag: its spellings, the field it sets, what it takes, where it is known and what the help says."""

    names: tuple[str, ...]
    field: str
    kind: str
    group: str
    commands: tuple[str, ...]
    help: str
    metavar: str = ""
    off: tuple[str, ...] = ()
    """Spellings that take a switch back, besides the `--no-` one that every switch has."""
    final: bool = False
    """Nothing takes the switch back: its opposite is the name of another flag."""

    @property
    def long(self) -> str:
        """The name that messages and the variable use."""
        return next(name for name in self.names if name.startswith("--"))

    @property
    def variable(self) -> str:
        """The environment variable that gives this flag."""
        return "LUGNUT_" + self.long[2:].replace("-", "_").upper()

    @property
    def negations(self) -> tuple[str, ...]:
        """The spellings that take a switch back."""
        if self.kind != SWITCH or self.final:
            return ()
        opposite = "--" + self.long[5:] if self.long.startswith("--no-") else "--no-" + self.long[2:]
        return (opposite, *self.off)


INSTALL = ("install", "sync")
SUPPLIED = ("install", "sync", "lock")
CHANGING = ("install", "sync", "uninstall")
LOCKING = ("install", "sync", "uninstall", "check", "recover")
LISTING = ("list", "freeze")
ENVIRONMENT = ("install", "sync", "lock", "uninstall", "list", "freeze", "show", "tree", "check", "recover", "doctor")
ALL = (*ENVIRONMENT, "cache")
EVERY = (*ALL, "completion")
