"""Points in time that uploads are compared with: the one meaning that uv and pip are both given. Pure.

Source: uv's `--exclude-newer`: a date means to the end of that day here, a duration counts back from now. pip reads a
bare date as its beginning, so both get a point in time (RFC 3339).
"""

from __future__ import annotations

import re

from lugnut.errors import UsageError

_UNITS = {"h": 3600, "hour": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800}
_ISO = r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
_ISO_SECONDS = (604800, 86400, 3600, 60, 1)


def parse_moment(text: str, now: float) -> str:
    """Give a date, point in time or duration as RFC 3339 in UTC; `now` is seconds since the epoch.

    Raises UsageError.
    """
    from datetime import UTC, datetime, timedelta

    words = text.strip()
    ago = _parse_duration(words)
    try:
        if ago is not None:
            moment = datetime.fromtimestamp(now, UTC) - timedelta(seconds=ago)
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", words):
            moment = datetime.fromisoformat(words) + timedelta(days=1)
        else:
            moment = datetime.fromisoformat(words)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        message = f"--exclude-newer must be a date, a point in time or a duration, not {text!r}"
        raise UsageError(message=message, hint="write 2026-01-31, 2026-01-31T12:00:00Z or 30 days") from None


def _parse_duration(words: str) -> int | None:
    """Give `30 days`, `1 week`, `24h`, `P30D` or `PT24H` in seconds; None for anything else."""
    plain = re.fullmatch(r"(\d+)\s*([a-z]+?)s?(?:\s+ago)?", words)
    if plain and plain[2] in _UNITS:
        return int(plain[1]) * _UNITS[plain[2]]
    found = re.fullmatch(_ISO, words)
    if found and any(found.groups()):
        return sum(int(number or 0) * unit for number, unit in zip(found.groups(), _ISO_SECONDS, strict=True))
    return None
