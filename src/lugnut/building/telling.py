"""What the programs of one build are run with, and all that they said: for the error, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lugnut.building import complaints
from lugnut.building.recipe import CannotBuild
from lugnut.system import programs


class Telling:
    """Runs programs so that calling the run off ends them with all that they started, and keeps what they print."""

    def __init__(self, cancelled: Callable[[], None], hidden: str = "") -> None:
        self._cancelled = cancelled
        self._hidden = hidden
        self._said: list[str] = []

    def run(self, command: Sequence[str], environ: Mapping[str, str], directory: str | None = None) -> programs.Ran:
        """Run a program to its end, its two outputs as one; CannotBuild where it cannot be started."""
        conditions = programs.Conditions(environ=environ, directory=directory, cancelled=self._cancelled, together=True)
        try:
            ran = programs.run(command, conditions=conditions)
        except OSError as error:
            raise CannotBuild(f"{command[0]} cannot be started: {error.strerror or error}") from None
        self._said.append(self.cut(ran.out))
        return ran

    def cut(self, out: bytes) -> str:
        """Give what a program printed as text: no colours, no credentials, paths as from the place of the build."""
        text = complaints.clean(out.decode("utf-8", "replace"))
        return text.replace(f"{self._hidden}/", "") if self._hidden else text

    def note(self, text: str) -> None:
        """Add something that a program said elsewhere, such as a traceback in its answer."""
        self._said.append(self.cut(text.encode("utf-8", "replace")))

    @property
    def log(self) -> str:
        """All that was said so far."""
        return "".join(self._said)
