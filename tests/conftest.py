"""What every test may rely on, however the tests were started."""

from __future__ import annotations

import signal
import sys

if sys.platform != "win32":
    # A shell's background jobs, and nohup, ignore these; children would inherit that and hear no signal at all.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
