"""The transaction protocol, checked in all its interleavings: the scenarios of tools/model that take some seconds each.

`make model` explores the larger ones too, and takes every guard out in turn.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MISSING = [name for name in ("spin", "cc", "bash", "python3") if shutil.which(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"the model is not checked: {', '.join(MISSING)} not found")
def test_every_short_scenario_of_the_model_holds() -> None:
    ran = subprocess.run(
        ["bash", str(Path(__file__).parent.parent / "tools" / "model" / "check.sh"), "short"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
