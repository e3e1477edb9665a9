"""The tools' index server, for tests of rooms that take a Link of what it has."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import indexserver
from indexanswers import basic
from indexpages import Fault
from lugnut.links import Link

__all__ = ["Fault", "IndexServer", "basic", "serve"]


class IndexServer(indexserver.IndexServer):
    """The index; `index.link("x-1.0-py3-none-any.whl")` is what a resolver would say of a file."""

    def link(self, filename: str, /, **others: Any) -> Link:
        """Give what a resolver would say of a file; `others` replace parts of it."""
        file = self.files()[filename]
        link = Link(self.file_url(filename), filename, (("sha256", file.sha256),), file.size)
        return link._replace(**others)


@contextlib.contextmanager
def serve(directory: str | os.PathLike[str], **options: Any) -> Iterator[IndexServer]:
    """Serve a directory for as long as the block lasts."""
    with IndexServer(directory, **options) as index:
        yield index
