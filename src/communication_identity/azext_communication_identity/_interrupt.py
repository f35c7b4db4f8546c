# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Ctrl-C and SIGTERM: end at once, with the shell's usual exit code, and a line that tells what is left open."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from knack.log import get_logger

logger = get_logger(__name__)


class _Terminated(BaseException):
    """SIGTERM arrived."""


@contextmanager
def interrupts_tell(line: Callable[[], str]) -> Iterator[None]:
    """While the body runs, let Ctrl-C exit with 130 and SIGTERM with 143 (128 + the signal's number, as shells report
    it), after the line that `line` makes.
    """
    in_main = threading.current_thread() is threading.main_thread()  # only there can signals be handled
    before = signal.signal(signal.SIGTERM, _terminate) if in_main else None
    try:
        yield
    except (KeyboardInterrupt, _Terminated) as stop:
        logger.warning(line())
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        raise SystemExit(128 + number) from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: Any) -> None:
    raise _Terminated
