"""What all commands share: options, errors, exit codes."""

from __future__ import annotations

import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gesturestream.realtime.sources.devices import AudioDeviceError

log = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


DEBUG_HINT = " (run again with --debug for the traceback)"


class UsageError(ValueError):
    """Something the user can put right; the message is one sentence that names the remedy."""


USERS_TO_MEND = (UsageError, OSError, ImportError, AudioDeviceError)


@contextmanager
def asked_for(kind: type[ValueError] = ValueError, hint: str = "") -> Iterator[None]:
    """Put around what looks at options and files only: what it refuses there the user can put right.

    Everywhere else a ValueError is a defect of this program.
    """
    try:
        yield
    except UsageError:
        raise
    except kind as error:
        raise UsageError(f"{error}{hint}") from error


@dataclass(frozen=True, kw_only=True)
class Command(ABC):
    """One subcommand: its fields are its options."""

    debug: bool = False
    """Show the traceback of an error."""

    @abstractmethod
    def run(self) -> int:
        """Does the work; returns the exit code."""


def execute(command: Command) -> int:
    """Runs a command; what goes wrong becomes one sentence on stderr and an exit code."""
    try:
        return command.run()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        if command.debug:
            raise
        log.debug("%s failed", type(command).__name__, exc_info=True)
        print(f"gesturestream: {explain(error)}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, USERS_TO_MEND) else EXIT_FAILED


def explain(error: Exception) -> str:
    """One sentence for a person; for errors that are ours, with the way to the traceback."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed: pip install 'gesturestream[train,export]' brings all there is"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, USERS_TO_MEND):
        return str(error) or type(error).__name__
    return f"internal error: {type(error).__name__}: {error}{DEBUG_HINT}"
