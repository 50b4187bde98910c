"""Parses the URL forms of the store, without connecting.

    redis://[user:password@]host[:6379][/db], rediss://..., unix:///path[?db=n]
    redis+sentinel://[user:password@]host[:26379],host,.../master[/db][?sentinel_password=...]
    redis+cluster://[user:password@]host[:6379],host,...

`rediss+sentinel` and `rediss+cluster` are the same over TLS. The user and password are those of the servers;
the sentinels' own, if they have any, are `sentinel_username` and `sentinel_password`. Every other option
after the question mark (`ssl_ca_certs` and the like) is for every connection.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SINGLE: Final = re.compile(r"(?:rediss?|unix)://.+")
_LIST: Final = re.compile(
    r"(?P<scheme>rediss?)\+(?P<kind>sentinel|cluster)://"
    r"(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?"
)
_HOST: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_FORMS: Final = (
    "must begin with redis://, rediss:// or unix://, or be as redis+sentinel://host:26379,host:26379/master "
    "or redis+cluster://host:6379,host:6379"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A server's URL except for the host and port, which a sentinel or the Cluster names."""

    before: str
    after: str

    def at(self, host: str, port: int) -> str:
        return f"{self.before}{f'[{host}]' if ':' in host else host}:{port}{self.after}"


@dataclass(frozen=True, slots=True)
class OfSentinels:
    sentinels: tuple[str, ...]
    master: str
    server: Pattern


@dataclass(frozen=True, slots=True)
class OfCluster:
    seeds: tuple[str, ...]
    server: Pattern


def parse(url: str) -> str | OfSentinels | OfCluster:
    """Raises ValueError, whose text ends a sentence that begins with the setting, and quotes no secret."""
    found = _LIST.fullmatch(url)
    if found is None:
        return _single(url)
    hosts = [_HOST.fullmatch(one) for one in found["hosts"].split(",")]
    default = 26379 if found["kind"] == "sentinel" else 6379
    names = [(one["host"].strip("[]"), int(one["port"] or default)) for one in hosts if one is not None]
    if len(names) < len(hosts) or not all(0 < port < 65536 for _, port in names):
        raise ValueError("must list hosts as in host:26379,host:26379")
    user = "" if found["user"] is None else f"{found['user']}@"
    options = parse_qsl(found["query"] or "")
    if found["kind"] == "cluster":
        if found["path"] not in (None, "", "0"):
            raise ValueError("must name no database: a Cluster has one only")
        server = Pattern(f"{found['scheme']}://{user}", _query(options))
        return OfCluster(tuple(server.at(*name) for name in names), server)
    master, _, database = (found["path"] or "").partition("/")
    if not master or not re.fullmatch("[0-9]*", database):
        raise ValueError("must name the master, as in redis+sentinel://host:26379,host:26379/master/0")
    own = {name: value for name, value in options if name in ("sentinel_username", "sentinel_password")}
    shared = [option for option in options if option[0] not in own]
    server = Pattern(f"{found['scheme']}://{user}", f"/{database or 0}{_query(shared)}")
    sentinel = Pattern(f"{found['scheme']}://{_user(own)}", _query(shared))
    return OfSentinels(tuple(sentinel.at(*name) for name in names), unquote(master), server)


def _single(url: str) -> str:
    if not SINGLE.fullmatch(url):
        raise ValueError(_FORMS)
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must have a number for its port, as in redis://127.0.0.1:6379/0") from None
    return url


def _query(options: list[tuple[str, str]]) -> str:
    return f"?{urlencode(options, quote_via=quote)}" if options else ""


def _user(own: dict[str, str]) -> str:
    if not own:
        return ""
    name, password = own.get("sentinel_username", ""), own.get("sentinel_password", "")
    return f"{quote(name, safe='')}:{quote(password, safe='')}@"
