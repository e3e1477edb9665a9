"""pip's installation report to a lock. Pure.

Source: pip's *Installation Report* (version 1); `download_info` is a direct URL (PEP 610). What was named by URL or
path becomes an archive, a repository or a directory (PEP 751), the rest a wheel or sdist.
"""

from __future__ import annotations

from collections.abc import Mapping

from lugnut.errors import ResolverFailed
from lugnut.sources.requests import parse_file_url
from lugnut.typed import Any


def make_lock(report: Mapping[str, Any]) -> Any:
    """Give a `packaging.pylock.Pylock` of one package for each line of the report; local paths are absolute.

    Where the index gives no hash there is none. Raises ResolverFailed where the report is none.
    """
    from packaging.pylock import Pylock
    from packaging.version import Version

    try:
        if report["version"].partition(".")[0] != "1":
            raise ResolverFailed(
                resolver="pip", reason=f"its report is of version {report['version']}, and lugnut knows 1",
                hint="install lugnut again, or use uv", detail="",
            )  # fmt: skip
        packages = sorted((_make_package(item) for item in report["install"]), key=lambda package: package.name)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"its report cannot be read ({type(error).__name__.lower()} at {error})"
        raise ResolverFailed(resolver="pip", reason=reason, hint="use another pip, or uv", detail="") from None
    return Pylock(lock_version=Version("1.0"), created_by="lugnut", packages=packages)


def _make_package(item: Mapping[str, Any]) -> Any:
    from packaging.pylock import Package
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    metadata, info = item["metadata"], item["download_info"]
    kind, source = _make_source(info, direct=bool(item["is_direct"]))
    requires = metadata.get("requires_python")
    fields: dict[str, Any] = {kind: [source] if kind == "wheels" else source}
    if requires:
        fields["requires_python"] = _parse_specifier(requires)
    if kind != "directory":  # what a source tree's version will be is known when it is built
        fields["version"] = Version(metadata["version"])
    return Package(name=canonicalize_name(metadata["name"]), **fields)


def _parse_specifier(text: str) -> Any:
    """Read Requires-Python; one that cannot be read binds nobody, as for pip."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def _make_source(info: Mapping[str, Any], *, direct: bool) -> tuple[str, Any]:
    """Give the field of a package and its value."""
    from urllib.parse import unquote, urlsplit

    from packaging.pylock import PackageArchive, PackageDirectory, PackageSdist, PackageVcs, PackageWheel

    url, subdirectory = info["url"], info.get("subdirectory")
    if "vcs_info" in info:
        vcs = info["vcs_info"]
        return "vcs", PackageVcs(
            type=vcs["vcs"], url=url, commit_id=vcs["commit_id"], subdirectory=subdirectory,
            requested_revision=vcs.get("requested_revision"),
        )  # fmt: skip
    if "dir_info" in info:
        editable = info["dir_info"].get("editable") or None
        return "directory", PackageDirectory(path=_find_path(url), editable=editable, subdirectory=subdirectory)
    hashes = dict(info["archive_info"].get("hashes") or {})
    if direct:
        place: dict[str, Any] = {"path": _find_path(url)} if url.startswith("file:") else {"url": url}
        return "archive", PackageArchive(**place, hashes=hashes, subdirectory=subdirectory)
    filename = unquote(urlsplit(url).path).rpartition("/")[2]
    if filename.endswith(".whl"):
        return "wheels", PackageWheel(name=filename, url=url, hashes=hashes)
    return "sdist", PackageSdist(name=filename, url=url, hashes=hashes)


def _find_path(url: str) -> str:
    return parse_file_url(url, "pip", url)
