"""A commit of a git repository, checked out into a directory by the git program.

A URL's user name and password reach git in variables alone (`url.<with>.insteadOf`): neither the list of processes nor
the configuration of the clone shows them, and nothing that git says is handed on with them in it. History and tags come
along without file contents, since the version of many projects is counted from them. Source: PEP 610 (VCS URLs).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from lugnut.building.recipe import CannotBuild, Recipe, Source
from lugnut.building.telling import Telling
from lugnut.errors import DownloadFailed, Offline
from lugnut.links import hide_credentials
from lugnut.system import programs
from lugnut.typed import NamedTuple

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HERE = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|PREFIX|NAMESPACE|"
    r"CEILING_DIRECTORIES|CONFIG|IMPLICIT_WORK_TREE|GRAFT_FILE|SHALLOW_FILE|NO_REPLACE_OBJECTS|REPLACE_REF_BASE)"
)
"""Variables that would have git work on another repository: lugnut may be started by one of its hooks."""
_LOCAL = re.compile(r"file://|/|\.|[A-Za-z]:[/\\]")
_TOLD = re.compile(r"^(?:fatal|error|remote): (.*)$", re.MULTILINE)
_HINT = "look for a slip in the URL and what follows its @, and whether git may read it"
_CHECKOUT = "checkout"


def check_out_below(
    workspace: str, source: Source, recipe: Recipe, cancelled: Callable[[], None]
) -> tuple[str, int | None]:
    """Check a source's commit out in a workspace; gives the directory and the commit's time."""
    place = os.path.join(workspace, _CHECKOUT)
    checkout(source.repository, source.digest, place, recipe, cancelled)
    git = _open(source.repository, place, recipe, cancelled)
    said = git.ask("show", "--no-patch", "--format=%ct", "HEAD")
    return place, int(said) if said and said.isdigit() else None


def checkout(url: str, wanted: str, directory: str, recipe: Recipe, cancelled: Callable[[], None]) -> str:
    """Check out a commit, tag or branch (empty: the default branch), submodules too; gives the commit's whole id.

    The directory must not stand yet. Raises DownloadFailed, and Offline.
    """
    url = url.removeprefix("git+")
    shown = hide_credentials(f"{url}@{wanted}" if wanted else url)
    if recipe.offline and not _LOCAL.match(url):
        raise Offline(url=shown)
    try:
        git = _open(url, directory, recipe, cancelled)
        git.do("clone", "--quiet", "--no-checkout", "--filter=blob:none", "--", git.url, directory, within=None)
        commit = _find(git, wanted)
        git.do("checkout", "--quiet", "--detach", "--force", commit)
        if os.path.isfile(os.path.join(directory, ".gitmodules")):
            git.do("submodule", "--quiet", "update", "--init", "--recursive")
    except CannotBuild as error:
        raise DownloadFailed(url=shown, reason=error.reason, hint=error.hint or _HINT) from None
    return commit


def _find(git: _Git, wanted: str) -> str:
    """Give the whole id of what is wanted, fetched by itself where the clone does not have it."""
    if wanted.startswith("-"):
        raise CannotBuild("no name in git begins with -", _HINT)
    names = [f"refs/tags/{wanted}", f"refs/remotes/origin/{wanted}", wanted] if wanted else ["HEAD"]
    for name in [wanted] if _COMMIT.fullmatch(wanted) else names:
        found = git.ask("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if found:
            return found
    if not wanted:
        raise CannotBuild("it has no commit", _HINT)
    try:
        git.do("fetch", "--quiet", "--filter=blob:none", "origin", wanted)  # refs/pull/1/head, or a commit no ref has
    except CannotBuild:
        raise CannotBuild(f"it has no branch, tag or commit {wanted}", _HINT) from None
    return git.must("rev-parse", "--verify", "FETCH_HEAD^{commit}")


class _Git(NamedTuple):
    """The git program, for one clone."""

    program: str
    url: str
    """Without credentials."""
    directory: str
    environ: Mapping[str, str]
    telling: Telling

    def do(self, *words: str, within: str | None = "") -> str:
        """Run it; gives what it said, CannotBuild with its complaint where it failed."""
        ran = self.telling.run(self._command(words, within), self.environ)
        said = self.telling.cut(ran.out)
        if ran.code != 0:
            raise CannotBuild(_find_complaint(said) or f"git ended with exit code {ran.code}", _HINT)
        return said.strip()

    def must(self, *words: str) -> str:
        """Run it and give its last line."""
        return self.do(*words).rpartition("\n")[2]

    def ask(self, *words: str) -> str:
        """Run it and give its last line; empty where it failed."""
        try:
            return self.must(*words)
        except CannotBuild:
            return ""

    def _command(self, words: tuple[str, ...], within: str | None) -> list[str]:
        place = [] if within is None else ["-C", self.directory]
        return [self.program, *place, "-c", "advice.detachedHead=false", *words]


def _find_complaint(said: str) -> str:
    """Give what git complains of first: what comes after it is advice."""
    told = _TOLD.search(said)
    return told[1].strip().rstrip(".")[:300] if told else ""


def _open(url: str, directory: str, recipe: Recipe, cancelled: Callable[[], None]) -> _Git:
    program = programs.find("git", recipe.environ)
    if program is None:
        raise CannotBuild("there is no git on PATH", "install git")
    plain, _ = split_credentials(url)
    return _Git(program, plain, directory, _make_environ(url, recipe.environ), Telling(cancelled))


def split_credentials(url: str) -> tuple[str, str]:
    """Give an http URL without its user name and password, and these with their @; others stay as they are.

    The user of an ssh URL is part of its address, and a password there is no use to ssh.
    """
    found = re.match(r"(https?://)([^/]*@)(.*)", url, re.DOTALL)
    return (found[1] + found[3], found[2]) if found else (url, "")


def _make_environ(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Give git's variables: it asks nobody on the terminal, works where it is told to, and knows the credentials."""
    kept = {name: value for name, value in environ.items() if not _HERE.fullmatch(name)}
    made = {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    plain, credentials = split_credentials(url)
    if credentials:
        count = int(environ.get("GIT_CONFIG_COUNT", "0") or 0)
        made |= {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"url.{url}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": plain,
        }
    return made
