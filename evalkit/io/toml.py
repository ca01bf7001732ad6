"""TOML files that people write: configuration, suites, devices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read(path: Path, *, missing: str, hint: str) -> dict[str, Any]:
    """The content of a file.

    Args:
        missing: The complaint where there is none.
        hint: Said with every complaint.

    Raises:
        EvalkitError: It is missing, cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvalkitError(missing, where=path, hint=hint) from None
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path, hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EvalkitError(f"this is not valid TOML: {error}", where=path, hint=hint) from error
