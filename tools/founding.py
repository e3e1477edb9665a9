"""The wheels of the three founding cases, real and generated, and wheels for campaigns.

1. jwt and PyJWT both ship `jwt/`; 2. serpapi and google-search-results both ship `serpapi/`; 3. the nvidia wheels of
CUDA 12 all ship `nvidia/__init__.py`: empty in the real ones, and different in bytes and length in the generated ones,
which have the names and the layout of those in uv's report #925. `python tools/founding.py DIRECTORY` fetches them
with pip, once.
"""

from __future__ import annotations

import glob
import os
import random
import subprocess
import sys
from typing import NamedTuple

from wheels import make_wheel

DOWNLOADED = (
    "jwt==1.3.1",
    "pyjwt==2.9.0",
    "serpapi==0.1.5",
    "nvidia-cuda-runtime-cu12==12.3.101",
    "nvidia-nvtx-cu12==12.3.101",
    "nvidia-cuda-cupti-cu12==12.3.101",
)
BUILT = ("google-search-results==2.4.2",)
NVIDIA = (
    ("cublas", "12.3.4.1"),
    ("cuda_cupti", "12.3.101"),
    ("cuda_nvcc", "12.3.107"),
    ("cuda_nvrtc", "12.3.107"),
    ("cuda_runtime", "12.3.101"),
    ("cudnn", "8.9.7.29"),
    ("cufft", "11.0.12.1"),
    ("cusolver", "11.5.4.101"),
    ("cusparse", "12.2.0.103"),
    ("nccl", "2.19.3"),
    ("nvjitlink", "12.3.101"),
)
"""The eleven of the report, that jax[cuda12_pip] 0.4.23 asks for."""
BESIDE = (("curand", "10.3.4.101"), ("cufile", "1.8.1.2"))
"""In place of the two that the demo has for real, so that eleven stand beside them in one environment."""


def fetch(directory: str) -> dict[str, str]:
    """Bring the seven real wheels into a directory, unless they are there; gives normalised name -> path."""
    directory = os.path.abspath(directory)
    os.makedirs(directory, exist_ok=True)
    missing = [pin for pin in DOWNLOADED if _find(directory, pin) is None]
    if missing:
        _pip("download", directory, missing)
    unbuilt = [pin for pin in BUILT if _find(directory, pin) is None]
    if unbuilt:
        _pip("wheel", directory, unbuilt)
    found = {pin.partition("==")[0]: _find(directory, pin) for pin in DOWNLOADED + BUILT}
    lost = [name for name, path in found.items() if path is None]
    if lost:
        raise FileNotFoundError(f"pip brought no wheel of {', '.join(lost)}")
    return {name: path for name, path in found.items() if path is not None}


def _find(directory: str, pin: str) -> str | None:
    name, _, version = pin.partition("==")
    pattern = name.replace("-", "_")
    for path in sorted(glob.glob(os.path.join(directory, f"*-{version}-*.whl"))):
        if os.path.basename(path).partition("-")[0].lower() == pattern:
            return path
    return None


def _pip(command: str, directory: str, pins: list[str]) -> None:
    # A wheel made here has to be the same one everywhere (TRAPS 38).
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    where = "-w" if command == "wheel" else "-d"
    subprocess.run(
        [sys.executable, "-m", "pip", command, "-qq", "--no-deps", where, directory, *pins], check=True, env=environ
    )


def make_nvidia_wheels(directory: str, *, beside_real: bool = False) -> list[str]:
    """Make eleven wheels like those of the report, with an `nvidia/__init__.py` of other bytes and length each."""
    directory = os.path.abspath(directory)
    os.makedirs(directory, exist_ok=True)
    chosen: tuple[tuple[str, str], ...] = NVIDIA
    if beside_real:
        real = {"cuda_runtime", "cuda_cupti"}
        chosen = tuple(pair for pair in NVIDIA if pair[0] not in real) + BESIDE
    return [_make_nvidia(directory, part, version, number) for number, (part, version) in enumerate(chosen, 1)]


def _make_nvidia(directory: str, part: str, version: str, number: int) -> str:
    words = f"# nvidia_{part}_cu12 {version}\n" + f"# line of {part}\n" * (11 * number)
    inner = f"nvidia/{part}"
    rng = random.Random(part)
    files: dict[str, str | bytes] = {
        "nvidia/__init__.py": f"{words}OWNER = {part!r}\n",
        f"{inner}/__init__.py": "",
        f"{inner}/include/__init__.py": "",
        f"{inner}/lib/__init__.py": "",
        f"{inner}/lib/lib{part}.so.12": rng.randbytes(200_000),
    }
    files.update({f"{inner}/include/{part}_{header}.h": f"/* {part} {header} */\n" * 40 for header in range(12)})
    tag = "py3-none-manylinux1_x86_64" if sys.platform == "linux" else "py3-none-any"
    return make_wheel(directory, f"nvidia_{part}_cu12", version, files, tag=tag, purelib=False)


def make_namespace_wheels(directory: str, count: int, *, longest: int = 65_536) -> list[str]:
    """Make wheels that all ship `shared/__init__.py`, from the longest bytes to a short file, and `shared/data.py`."""
    directory = os.path.abspath(directory)
    os.makedirs(directory, exist_ok=True)
    paths = []
    for number in range(count):
        name = f"shared-part{number:02}"
        line = f"# {name} says so\n"
        size = max(1, longest // (number + 1) // len(line))
        files = {
            "shared/__init__.py": line * size + f"OWNER = {name!r}\n",
            "shared/data.py": f"OWNER = {name!r}\n",
            "shared/same.py": "SAME = True\n",
            f"shared/part{number:02}.py": f"NUMBER = {number}\n",
        }
        paths.append(make_wheel(directory, name.replace("-", "_"), "1.0", files))
    return paths


class CampaignSize(NamedTuple):
    """How large a wheel of a campaign is."""

    files: int
    padding: int = 0
    """Bytes by which each of these files is longer; they compress to half."""


SMALL = CampaignSize(40)
AVERAGE = CampaignSize(150, 16_000)
"""As large as the wheels people install are on average: 2.5 MB."""


def make_campaign_wheels(
    directory: str, count: int, version: str, *, build: str = "", size: CampaignSize = SMALL
) -> list[str]:
    """Make wheels for kill and race campaigns: own files, some per version, and paths that every fourth one shares.

    Version and `build` go into the bytes of half the files: an upgrade changes these, leaves the others, drops some
    paths and brings new ones; another build under the same version changes bytes only.
    """
    os.makedirs(directory, exist_ok=True)
    return [_make_campaign(directory, number, version, build, size) for number in range(count)]


def _make_campaign(directory: str, number: int, version: str, build: str, size: CampaignSize) -> str:
    chance = random.Random(number)
    name = f"campaign_{number:02}"
    content: dict[str, str | bytes] = {f"{name}/__init__.py": f"VERSION = {version!r}\nBUILD = {build!r}\n"}
    for index in range(size.files):
        changing = f"{version} {build}" if index % 2 else "the same"
        more = f"# {chance.randbytes(size.padding // 2).hex()}\n" if size.padding else ""
        content[f"{name}/m{index:03}.py"] = f"# {name} {index} {changing}\n" * (1 + index) + more
    content[f"{name}/only_{version.replace('.', '_')}.py"] = f"VERSION = {version!r}\n"
    group = number % 4
    content[f"campaign_group{group}/__init__.py"] = f"OWNER = {name!r}\nVERSION = {version!r}\n" + "# pad\n" * number
    content[f"campaign_group{group}/owner.py"] = f"OWNER = {name!r}\n"
    content[f"campaign_group{group}/same.py"] = "SAME = True\n"
    script = f"{name}-{version}.data/scripts/{name}-tool"
    content[script] = f"#!python\nprint({version!r})\n"
    points = f"[console_scripts]\n{name} = {name}:main\n"
    return make_wheel(directory, name, version, content, entry_points=points, executables={script})


def main(arguments: list[str]) -> int:
    """Fetch and make the wheels of the founding cases."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    for path in [*fetch(arguments[0]).values(), *make_nvidia_wheels(arguments[0], beside_real=True)]:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
