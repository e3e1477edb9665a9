"""Whose user and password a host is given: the URL's own, netrc's, or what keyring answers. Kept in memory alone.

Sources: netrc(5) as the standard library reads it, `keyring get SERVICE USER` as pip and uv call it.
"""

from __future__ import annotations

import os

from lugnut.events import Note
from lugnut.network.addresses import Address, Login
from lugnut.settings import Watch
from lugnut.system import programs

_KEYRING_PATIENCE = 120.0
_said: set[str] = set()
_remembered: dict[tuple[tuple[str, int], str], Login] = {}


def find_login(address: Address, watch: Watch, *, first: bool) -> Login | None:
    """Give the credentials for a URL, if any are known; a default of netrc is for the first host only, not for others.

    Where the URL holds a user alone, the password is netrc's if that is the same user's.
    """
    login = address.login
    if login is not None and login.password:
        return login
    user = login.user if login is not None else ""
    found = _remembered.get((address.origin, user)) or _read_netrc(address.host, watch, first=first)
    return login if found is None or user not in {"", found.user} else found


def _read_netrc(host: str, watch: Watch, *, first: bool) -> Login | None:
    import netrc

    path = os.environ.get("NETRC") or os.path.join(os.path.expanduser("~"), ".netrc")
    try:
        hosts = netrc.netrc(path).hosts
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is not text"
        _complain(path, reason, watch)
    except netrc.NetrcParseError as error:  # its message may hold a password
        _complain(path, f"line {error.lineno} is not of netrc's form", watch)
    else:
        found = hosts.get(host) or (hosts.get("default") if first else None)
        return Login(found[0] or "", found[2] or "") if found is not None else None
    return None


def _complain(path: str, reason: str, watch: Watch) -> None:
    """Say once that a file of credentials is passed over."""
    if path not in _said:
        _said.add(path)
        watch.report(Note("warning", f"{path} is passed over, and the credentials in it: {reason}"))


def ask_keyring(address: Address, user: str, watch: Watch) -> Login | None:
    """Ask keyring for a user's password, by the URL and then by its host; None where it has none."""
    command = programs.find("keyring")
    if command is None or not user:
        return None
    host = f"[{address.host}]" if ":" in address.host else address.host
    for service in (address.url, host):
        try:
            conditions = programs.Conditions(_KEYRING_PATIENCE, cancelled=watch.cancelled)
            ran = programs.run([command, "get", service, user], conditions=conditions)
        except (OSError, programs.TooLong):
            return None
        password = ran.out.decode("utf-8", "replace").rstrip("\r\n")
        if ran.code == 0 and password:
            _remembered[address.origin, user] = Login(user, password)
            return Login(user, password)
    return None
