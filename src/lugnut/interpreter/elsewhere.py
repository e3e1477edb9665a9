"""Another Python and another machine than the target's own: `--python-version` and `--python-platform`.

What is to be shipped in a `--target` is chosen by the markers and tags of where it will run. Platforms are spelled as
uv spells them (`linux`, `x86_64-manylinux_2_28`, `aarch64-apple-darwin`) or as wheels and pip do (`win_amd64`,
`manylinux2014_x86_64`, `macosx_11_0_arm64`). Sources: PEP 425, PEP 508, PEP 600, PEP 656, packaging.tags, uv's manual.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lugnut.environment import Environment
from lugnut.errors import UsageError
from lugnut.typed import NamedTuple

_ALIASES = {
    "linux": "x86_64-unknown-linux-gnu",
    "macos": "aarch64-apple-darwin",
    "windows": "x86_64-pc-windows-msvc",
    "riscv64-unknown-linux": "riscv64-manylinux_2_39",
}
_GLIBC = 28
"""The minor version of glibc 2 that uv takes for granted where none is named."""
_MUSL = 2
"""The same of musl 1."""
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_KNOWN_TO_UV = (17, 28, *range(31, 41))
"""The glibc 2 that uv has names for; a resolver is told the nearest older one."""
_OLDEST_GLIBC = {"x86_64": 5, "i686": 5}
"""By machine; 17 for every other."""
_WINDOWS = {
    "x86_64": ("win_amd64", "AMD64"),
    "aarch64": ("win_arm64", "ARM64"),
    "i686": ("win32", "x86"),
}
"""The tag, and platform.machine()."""
_LINUX_MACHINES = r"(?P<machine>x86_64|aarch64|i686|armv7l|ppc64le|s390x|riscv64|loongarch64)"
_SPELLED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_LINUX_MACHINES}-(?P<gnu>unknown-linux-gnu)",
        rf"{_LINUX_MACHINES}-(?P<musl>unknown-linux-musl)",
        rf"{_LINUX_MACHINES}-manylinux(_2_(?P<glibc>\d+)|(?P<legacy>2014|2010|1))",
        rf"manylinux(_2_(?P<glibc>\d+)|(?P<legacy>2014|2010|1))_{_LINUX_MACHINES}",
        rf"musllinux_1_(?P<libc>\d+)_{_LINUX_MACHINES}",
        rf"(?P<gnu>linux)_{_LINUX_MACHINES}",
        r"(?P<machine>x86_64|aarch64|i686)-(?P<windows>pc-windows-msvc)",
        r"(?P<win>win_amd64|win_arm64|win32)",
        r"(?P<machine>x86_64|aarch64)-(?P<apple>apple-darwin)",
        r"macosx_(?P<macos>\d+_\d+)_(?P<machine>x86_64|arm64)",
    )
)
_MACOS = "13.0"
_NEEDED = 2
_LAST_WITH_M = (3, 7)
"""The last CPython whose ABI is spelled with an m (PEP 425, PEP 3149)."""


class Platform(NamedTuple):
    """Where something will run."""

    name: str
    """As uv spells it."""
    tags: tuple[str, ...]
    """Of wheels, best first: the last part of each."""
    markers: Mapping[str, str]
    """The markers of PEP 508 that follow from it."""
    deployment_target: str = ""
    """The oldest macOS it has to run on, as MACOSX_DEPLOYMENT_TARGET says it."""


def parse_platform(text: str, environ: Mapping[str, str]) -> Platform:
    """Read the name of a platform; UsageError where it is none that is known."""
    spelled = _ALIASES.get(text, text)
    found = next((match for pattern in _SPELLED if (match := pattern.fullmatch(spelled))), None)
    if found is None:
        raise UsageError(
            message=f"--python-platform {text!r} is no platform that lugnut knows",
            hint="write linux, macos, windows, a triple as uv does, or a wheel's platform tag",
        )
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    if parts.keys() & {"windows", "win"}:
        return _make_windows(parts)
    if parts.keys() & {"apple", "macos"}:
        return _make_macos(parts, environ)
    if parts.keys() & {"musl", "libc"}:
        minor = int(parts.get("libc", _MUSL))
        tags = [f"musllinux_1_{number}" for number in range(minor, -1, -1)]
        return _make_linux(parts["machine"], f"{parts['machine']}-unknown-linux-musl", tags)
    return _make_glibc(parts)


def _make_windows(parts: Mapping[str, str]) -> Platform:
    by_tag = {tag: machine for machine, (tag, _) in _WINDOWS.items()}
    machine = parts.get("machine") or by_tag[parts["win"]]
    tag, spelled = _WINDOWS[machine]
    return Platform(f"{machine}-pc-windows-msvc", (tag,), _mark("nt", "win32", "Windows", spelled))


def _make_macos(parts: Mapping[str, str], environ: Mapping[str, str]) -> Platform:
    from packaging.tags import mac_platforms

    machine = parts["machine"].replace("aarch64", "arm64")
    oldest = parts.get("macos", "").replace("_", ".") or environ.get("MACOSX_DEPLOYMENT_TARGET") or _MACOS
    numbers = [int(number) for number in re.findall(r"\d+", oldest)] + [0, 0]
    tags = mac_platforms((numbers[0], numbers[1]), machine)
    name = f"{machine.replace('arm64', 'aarch64')}-apple-darwin"
    return Platform(name, tuple(tags), _mark("posix", "darwin", "Darwin", machine), oldest)


def _make_glibc(parts: Mapping[str, str]) -> Platform:
    machine = parts["machine"]
    by_year = {name.removeprefix("manylinux"): minor for minor, name in _LEGACY.items()}
    newest = int(parts.get("glibc", _GLIBC)) if "legacy" not in parts else by_year[parts["legacy"]]
    tags = []
    for minor in range(newest, _OLDEST_GLIBC.get(machine, 17) - 1, -1):
        tags.append(f"manylinux_2_{minor}")
        tags += [_LEGACY[minor]] if minor in _LEGACY else []
    known = max((minor for minor in _KNOWN_TO_UV if minor <= newest), default=min(_KNOWN_TO_UV))
    name = f"{machine}-unknown-linux-gnu" if "gnu" in parts else f"{machine}-manylinux_2_{known}"
    if machine == "riscv64":
        name = "riscv64-unknown-linux"  # as uv spells its only one
    return _make_linux(machine, name, tags)


def _make_linux(machine: str, name: str, tags: Sequence[str]) -> Platform:
    whole = tuple(f"{tag}_{machine}" for tag in ("linux", *tags))
    return Platform(name, whole, _mark("posix", "linux", "Linux", machine))


def _mark(os_name: str, sys_platform: str, platform_system: str, platform_machine: str) -> dict[str, str]:
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "platform_machine": platform_machine,
        "platform_release": "",
        "platform_version": "",
    }


def parse_version(text: str) -> tuple[int, ...]:
    """Read a Python version: `3.12`, `3.12.4`, `312` as pip takes it; UsageError where it is none."""
    compact = re.fullmatch(r"([23])(\d+)", text)
    numbers = compact.groups() if compact else tuple(text.split("."))
    if not (_NEEDED <= len(numbers) <= _NEEDED + 1) or not all(re.fullmatch(r"[0-9]{1,4}", part) for part in numbers):
        raise UsageError(message=f"--python-version {text!r} is no version of Python", hint="write one such as 3.12")
    return tuple(map(int, numbers))


def spell_version(text: str) -> str:
    """Spell a version as the markers and uv do."""
    return ".".join(map(str, parse_version(text)))


def look_elsewhere(
    environment: Environment, python_version: str, platform: str, environ: Mapping[str, str]
) -> Environment:
    """Give the environment with the markers and tags of another Python (empty: its own) on another platform (the same).

    Raises UsageError for what is no version and no platform, and for a Python that is not CPython.
    """
    markers = dict(environment.markers)
    if markers["implementation_name"] != "cpython":
        raise UsageError(
            message=f"what another {markers['platform_python_implementation']} accepts is not known",
            hint="name a CPython with --python",
        )
    own = tuple(map(int, markers["python_version"].split(".")))
    version = parse_version(python_version) if python_version else own
    abi = environment.tags[0].split("-")[1] if version[:2] == own else _spell_abi(version)
    platforms = tuple(dict.fromkeys(tag.split("-", 2)[2] for tag in environment.tags if not tag.endswith("-any")))
    if python_version:
        whole = ".".join(map(str, (*version, 0)[:3]))
        markers |= {"python_full_version": whole, "implementation_version": whole}
        markers["python_version"] = "{}.{}".format(*version)
    if platform:
        elsewhere = parse_platform(platform, environ)
        platforms = elsewhere.tags
        markers |= elsewhere.markers
    return environment._replace(
        markers=markers, tags=_make_tags(version[:2], abi, platforms), cache_tag="cpython-{}{}".format(*version)
    )


def _spell_abi(version: tuple[int, ...]) -> str:
    return "cp{}{}".format(*version) + ("m" if version[:2] <= _LAST_WITH_M else "")


def _make_tags(version: tuple[int, ...], abi: str, platforms: Sequence[str]) -> tuple[str, ...]:
    from packaging.tags import compatible_tags, cpython_tags

    own = cpython_tags(version, [abi], platforms)
    return tuple(map(str, (*own, *compatible_tags(version, "cp{}{}".format(*version), platforms))))
