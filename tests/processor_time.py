"""What a command costs: seconds of processor time, which other work on the machine moves less than the clock."""

from __future__ import annotations

import os
import resource
import subprocess


def spent(command: list[str], **environment: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """What a command did, and the seconds of processor time that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
