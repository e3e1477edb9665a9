"""METADATA as text to fields, and to JSON (PEP 566). Lenient: what is wrong with one field spoils no other (TRAPS 33).

Source: the *Core metadata* specification.
"""

from __future__ import annotations

from collections.abc import Mapping

from lugnut.typed import Any

_SINGULAR = {
    "platforms": "platform",
    "supported_platforms": "supported_platform",
    "classifiers": "classifier",
    "license_files": "license_file",
    "project_urls": "project_url",
    "import_names": "import_name",
    "import_namespaces": "import_namespace",
}
"""The fields that packaging calls after their plural, and the specification's JSON does not."""

_REPEATED = frozenset((
    "dynamic", "platform", "supported_platform", "license_file", "classifier", "requires_dist", "requires_external",
    "project_url", "provides_extra", "provides_dist", "obsoletes_dist", "import_name", "import_namespace", "requires",
    "provides", "obsoletes", "keywords",
))  # fmt: skip
"""The fields whose value in JSON is a list."""


def parse_metadata(text: str) -> dict[str, Any]:
    """Read METADATA to its JSON form: lower case, `_` for `-`, lists where a field may be there more than once.

    Of a field that is there too often the first one counts; one that nobody knows is left out.
    """
    from packaging.metadata import parse_email

    try:
        raw, unparsed = parse_email(text)
    except (ValueError, LookupError):
        return {}
    document = {_SINGULAR.get(field, field): _plain(value) for field, value in raw.items()}
    for field, values in unparsed.items():
        name, texts = field.lower().replace("-", "_"), [value for value in values if isinstance(value, str)]
        if texts and (name in _REPEATED or name in _ONCE):  # a description in several parts is no text
            document[name] = texts if name in _REPEATED else texts[0]
    return document


_ONCE = frozenset((
    "metadata_version", "name", "version", "summary", "description", "description_content_type", "home_page",
    "download_url", "author", "author_email", "maintainer", "maintainer_email", "license", "license_expression",
    "requires_python",
))  # fmt: skip


def _plain(value: Any) -> Any:
    """Spell packaging's mapping of project URLs as METADATA has them."""
    return [f"{label}, {url}" for label, url in value.items()] if isinstance(value, Mapping) else value


def one_line(document: Mapping[str, Any], field: str) -> str:
    """Give a field's first line, with dots where there are more: old METADATA has whole licences in one."""
    lines = [line.strip() for line in str(document.get(field, "")).splitlines() if line.strip()]
    return "" if not lines else lines[0] if len(lines) == 1 else f"{lines[0]} ..."


def find_home_page(document: Mapping[str, Any]) -> str:
    """Give Home-page, or the Project-URL that is labelled so (*Well-known Project URLs*)."""
    given = one_line(document, "home_page")
    for line in [] if given else document.get("project_url", []):
        label, _, url = line.partition(",")
        if "".join(sign for sign in label.lower() if sign.isalnum()) == "homepage":
            return str(url.strip())
    return given
