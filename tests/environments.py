"""Builds environments for tests: virtual ones, the value without any, and programs that answer like an interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from environmentvalue import make_environment
from lugnut.interpreter import probe
from lugnut.interpreter.discovery import Target

__all__ = ["make_environment", "make_interpreter", "make_target", "make_venv", "write"]


def make_venv(path, *options, python=sys.executable):
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", *options, str(path)], check=True)
    return os.path.realpath(path)


def make_target(directory, **fields):
    """A Target that says nothing: no flag, no variable, no PATH."""
    silent = Target(None, None, None, False, False, None, {"PATH": ""}, os.path.realpath(directory))
    return silent._replace(**{name: str(value) if name in PATHS else value for name, value in fields.items()})


PATHS = ("python", "target", "prefix", "cache_dir")


def make_interpreter(directory, **changes):
    """A program that answers as a system's interpreter in `directory` would, and counts its starts in `starts`."""
    directory = os.path.realpath(directory)
    program = os.path.join(directory, "bin", "python3")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    stdlib = os.path.join(directory, "lib", "python")
    os.makedirs(stdlib, exist_ok=True)
    below = {"purelib": "lib/site", "platlib": "lib/site", "headers": "include", "scripts": "bin", "data": ""}
    schemes = {scheme: os.path.join(directory, path) for scheme, path in below.items()}
    answer = {
        **probe.describe(),
        "prefix": directory,
        "base_prefix": directory,
        "executable": program,
        "stdlib": stdlib,
        "schemes": schemes,
        **changes,
    }
    with open(os.path.join(directory, "answer"), "w") as file:
        file.write("noise of a .pth file" + probe.BEGIN + json.dumps(answer) + "\n")
    with open(program, "w") as file:
        file.write(f"#!/bin/sh\necho x >>'{directory}/starts'\ncat '{directory}/answer'\n")
    os.chmod(program, 0o755)
    return program


def count_starts(program):
    try:
        with open(os.path.join(os.path.dirname(os.path.dirname(program)), "starts")) as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def write(root, path, content=""):
    """Write a file below a directory, with the directories above it."""
    full = os.path.join(str(root), path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return full
