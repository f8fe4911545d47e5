"""Classify exceptions of the HTTP library, and silence its log."""

import logging
import ssl

import requests
import urllib3

from etstats.post.webhook.address import redact
from etstats.post.webhook.responses import NotAccepted, Unknown

_HANDSHAKE = {
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
}


def judge_exception(error: Exception) -> NotAccepted | Unknown:
    """Return NotAccepted only if the message cannot have been delivered; the reason contains no address."""
    reason = redact(_words(error))
    return NotAccepted(reason) if _never_left(error) else Unknown(reason)


def _never_left(error: Exception) -> bool:
    """Return whether the exchange failed before the message could have been delivered."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return True  # the library could not build a request
    return any(
        isinstance(cause, urllib3.exceptions.NewConnectionError | ssl.SSLCertVerificationError)
        or (isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None) in _HANDSHAKE)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and its wrapped causes, outermost first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return found


def _words(error: Exception) -> str:
    """Return a short description of the error, without an address."""
    causes = _causes(error)
    if isinstance(error, requests.ConnectTimeout):
        return "no connection to Discord in time"
    if isinstance(error, requests.ReadTimeout) or any(isinstance(one, TimeoutError) for one in causes):
        return "no answer from Discord in time"
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in causes):
        return "Discord's name cannot be resolved: no network, or no name server"
    said = next((one.strerror for one in reversed(causes) if isinstance(one, OSError) and one.strerror), None)
    return f"no connection to Discord: {said}" if said else f"the exchange broke off ({type(causes[-1]).__name__})"


class _Redacting(logging.Filter):
    """Removes tokens from warnings of the HTTP library that quote a URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_REDACTING = _Redacting()


def quiet_urllib3() -> None:
    """Disable the DEBUG log of urllib3, which contains the URL with the token."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    for name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.response"):
        logging.getLogger(name).addFilter(_REDACTING)
