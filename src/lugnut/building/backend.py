"""A source tree's backend, and its hooks as PEP 517 and PEP 660 have them: called by `build` in another interpreter."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence

from lugnut.building import complaints
from lugnut.building.recipe import CannotBuild
from lugnut.building.telling import Telling
from lugnut.typed import Literal

Kind = Literal["wheel", "editable"]


class _HookFailed(Exception):
    """The process in which a hook ran ended badly; what it printed is told."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Backend:
    """The backend of one source tree, in one interpreter that has (or will get) its requirements."""

    def __init__(self, tree: str, python: str, environ: Mapping[str, str], telling: Telling) -> None:
        import build

        if not any(os.path.isfile(os.path.join(tree, name)) for name in ("pyproject.toml", "setup.py")):
            raise CannotBuild("it has neither pyproject.toml nor setup.py", "name the directory of a project")
        self._environ = environ
        self._telling = telling
        with _in_words(telling):
            self._builder = build.ProjectBuilder(tree, python_executable=python, runner=self._run)

    def _run(self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        ran = self._telling.run(cmd, {**self._environ, **(extra_environ or {})}, cwd)
        if ran.code != 0:
            raise _HookFailed(self._telling.cut(ran.out))

    @property
    def requirements(self) -> set[str]:
        """What pyproject.toml says it takes to run the backend (PEP 518); setuptools where there is none."""
        return set(self._builder.build_system_requires)

    def find_more(self, kind: Kind, settings: Mapping[str, str | list[str]]) -> set[str]:
        """Ask the backend, whose requirements are there, what else it takes to build."""
        with _in_words(self._telling):
            more = self._builder.get_requires_for_build(kind, dict(settings))
            if not all(isinstance(one, str) for one in more):
                raise TypeError
            return set(more)

    def build(self, kind: Kind, directory: str, settings: Mapping[str, str | list[str]]) -> str:
        """Have a wheel built into a directory; gives the file name that the backend says it has."""
        with _in_words(self._telling):
            return os.path.relpath(self._builder.build(kind, directory, dict(settings)), os.path.abspath(directory))


@contextlib.contextmanager
def _in_words(telling: Telling) -> Iterator[None]:
    """Say what `build` and the hooks complain of as CannotBuild; warnings of theirs reach nobody's screen."""
    import build

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except build.BuildBackendException as error:
            raise _word(error.exception, telling) from None
        except TypeError:  # not what PEP 517 has a hook answer
            raise CannotBuild("its backend gave a wrong answer", "ask whoever made the backend") from None
        except (build.BuildException, ValueError) as error:  # ValueError: a backend-path that leads outside
            raise CannotBuild(telling.cut(str(error).encode()), "mend its pyproject.toml") from None


def _word(cause: Exception, telling: Telling) -> Exception:
    """Turn what was raised in a hook into CannotBuild; what is not of a hook, as a run called off, stays what it is."""
    import pyproject_hooks

    if isinstance(cause, _HookFailed):
        reason = complaints.find_reason(cause.said)
        return CannotBuild(reason, complaints.find_hint(reason))
    if isinstance(cause, pyproject_hooks.BackendUnavailable):
        telling.note(cause.traceback)
        reason = complaints.find_reason(telling.cut(cause.traceback.encode()) or str(cause))
        return CannotBuild(f"its backend {cause.backend_name} cannot be used: {reason}", complaints.find_hint(reason))
    if isinstance(cause, pyproject_hooks.HookMissing):  # of all hooks that are called, the others may be left out
        return CannotBuild("its backend cannot make editable installs (PEP 660)", "install it without -e")
    if isinstance(cause, TypeError):
        return CannotBuild("its backend gave a wrong answer", "ask whoever made the backend")
    if isinstance(cause, (OSError, ValueError, KeyError)):  # no answer, or none that can be read
        return CannotBuild("its backend ended without an answer", complaints.USUAL_HINT)
    return cause
