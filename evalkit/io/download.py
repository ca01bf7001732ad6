"""Download a file over HTTP, and resume a download that was interrupted.

Proxies are read from the environment (``https_proxy``, ``no_proxy``, ...), as in Python's standard library.
"""

from __future__ import annotations

import errno
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

from evalkit.errors import EvalkitError
from evalkit.io.whole_numbers import whole_number

CHUNK = 1 << 16
"""Bytes read at a time."""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""

MAX_BYTES = 16 * 2**30
"""Largest file that is fetched where its size is not published."""
_LONGEST_NUMBER = 18

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and the total number of bytes (None if the server does not state it)."""


def download(
    url: str, path: Path, *, resume: bool = False, size: int | None = None, progress: Progress | None = None
) -> None:
    """Write the content of an address to a file.

    Args:
        url: http or https.
        path: Receives the bytes; after a failure it keeps those that arrived.
        resume: Continue after the bytes that the file already has. Only safe if the whole file is verified afterwards.
        size: Number of bytes that the file is known to have; reading stops beyond it, and beyond ``MAX_BYTES``.
        progress: Called after every chunk.

    Raises:
        EvalkitError: The address is not http or https, or the connection, the disk or the server failed.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise EvalkitError("only http and https addresses are fetched", where=url, hint="Correct the catalogue")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            path.unlink(missing_ok=True)
        _request(url, path, size or MAX_BYTES, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            # The server has no bytes after ours: the file is either complete, which the caller verifies, or wrong.
            return
        raise _failed(url, _refusal(error)) from error
    except urllib.error.URLError as error:
        raise _failed(url, f"the server cannot be reached: {error.reason}") from error
    except ValueError as error:
        raise _failed(url, f"the server redirects to an invalid address: {error}") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _failed(url, f"the connection broke: {type(error).__name__}") from error
    except OSError as error:
        cure = "Free some disk space" if error.errno == errno.ENOSPC else "Check the permissions of the folder"
        raise EvalkitError(
            f"cannot write this file: {error.strerror}", where=path,
            hint=f"{cure}, or choose another folder with EVALKIT_CACHE; the same command resumes the download",
        ) from error  # fmt: skip


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and closes the connection of one to an invalid address, which the base class leaves open."""

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except BaseException:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _request(url: str, path: Path, limit: int, progress: Progress | None) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "evalkit"})  # noqa: S310 - from the catalogue
    received = path.stat().st_size if path.is_file() else 0
    if received:
        request.add_header("Range", f"bytes={received}-")
    # Each download gets its own opener: the library's global one keeps the proxies of its first use.
    with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as answer:
        _receive(answer, path, received if answer.status == http.client.PARTIAL_CONTENT else 0, url, limit, progress)


def _receive(
    answer: http.client.HTTPResponse, path: Path, received: int, url: str, limit: int, progress: Progress | None
) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise _failed(url, "the server sends a web page instead of the file")
    total = _stated_size(answer, received, url, limit)
    with path.open("ab" if received else "wb") as stream:
        while chunk := answer.read(CHUNK):
            stream.write(chunk)
            received += len(chunk)
            if received > limit:
                path.unlink(missing_ok=True)
                raise _failed(url, f"the server sends more than the {limit} bytes that the file has at most")
            if progress is not None:
                progress(received, total)
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and received < total:
        raise _failed(url, f"the connection closed after {received} of {total} bytes")


def _stated_size(answer: http.client.HTTPResponse, received: int, url: str, limit: int) -> int | None:
    """Return the size of the whole file by the server's statement of what is left; None if it states none."""
    length = answer.headers.get("Content-Length")
    if length is None:
        return None
    left = whole_number(length, digits=_LONGEST_NUMBER)
    if left is None:
        raise _failed(url, f"the server states an invalid size: {length[:40]!r}")
    total = received + left
    if total > limit:
        raise _failed(url, f"the server sends {total} bytes, the file has at most {limit}")
    return total


def _refusal(error: urllib.error.HTTPError) -> str:
    if "redirect" in str(error.reason).casefold() or error.code in (301, 302, 303, 307, 308):
        return "the server redirects in a circle"
    return f"the server answers {error.code} {error.reason}"


def _failed(url: str, what: str) -> EvalkitError:
    return EvalkitError(what, where=url, exit_code=1, hint="The same command resumes the download")
