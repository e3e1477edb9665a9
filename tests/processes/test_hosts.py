"""Two hosts on one environment for real, where MooseFS is installed; `make hosts` plays it in full."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("hosts are namespaces of Linux", allow_module_level=True)

from moosefs import MooseFS

HOSTS = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "hosts.py")


@pytest.mark.skipif(bool(MooseFS.lacks()), reason=f"{MooseFS.lacks()} (apt-get install {MooseFS.packages})")
def test_runs_of_two_hosts_on_moosefs_end_as_one_after_the_other_would() -> None:
    command = [sys.executable, HOSTS, "--on", "moosefs", "--only", "meet", "--only", "run", "--rounds", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("| moosefs ") == 2, ran.stdout
    assert "not tried: " not in ran.stdout.partition("| nfs")[0]
