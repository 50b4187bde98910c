"""The sockets that the backend listens on, or an error that names the variable to change."""

import errno
import socket

from rag_backend.config import PREFIX


class CannotListen(Exception):
    """The backend cannot listen on the address; the message names the variable and what to do."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that already accept connections, so that a later log line is true. Raises CannotListen."""
    try:
        return _sockets(host, port)
    except (OSError, UnicodeError) as error:
        raise CannotListen(_why(host, port, error)) from None


def _sockets(host: str, port: int) -> list[socket.socket]:
    listening: list[socket.socket] = []
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            listening.append(socket.create_server(address, family=family))
        except OSError as error:
            # "localhost" has an IPv6 address too, even on a machine without IPv6.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    if not listening:
        raise OSError(errno.EADDRNOTAVAIL, host)
    return listening


def _why(host: str, port: int, error: OSError | UnicodeError) -> str:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return f"{PREFIX}PORT: port {port} is taken. Stop what listens there, or set another port."
        case OSError(errno=errno.EACCES):
            return f"{PREFIX}PORT: port {port} is not allowed to this user. Set one above 1023."
    return f"{PREFIX}HOST: {host} is no address of this machine. Set one that is, such as 127.0.0.1."
