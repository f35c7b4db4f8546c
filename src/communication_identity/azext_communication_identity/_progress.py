# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""How far the work for many resources is: one line on a terminal, nothing anywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Show = Callable[[int, int], None]  # done, failed


@contextmanager
def progress_line(cli_ctx: Any, total: int) -> Iterator[Show]:
    """A function that shows, in the CLI's own progress line, how many of `total` resources are done and how many have
    failed. It shows nothing where standard error is no terminal, or where the user wants no progress.
    """
    if (not sys.stderr.isatty() or cli_ctx.only_show_errors
            or cli_ctx.config.getboolean("core", "disable_progress_bar", False)):
        yield lambda _done, _failed: None
        return
    from ._pipeline import throttled
    controller = cli_ctx.get_progress_controller()
    handlers = logging.getLogger("cli").handlers  # knack's; all of the CLI's messages come through them

    def show(done: int, failed: int) -> None:
        controller.add(message=f"{done} of {total} resources done, {failed} failed, {len(throttled)} throttled, "
                               f"{total - done - failed} remaining")

    def make_room(_message: logging.LogRecord) -> bool:
        controller.active_progress.clear()  # a message would go on behind the progress otherwise
        return True

    show(0, 0)
    for handler in handlers:
        handler.addFilter(make_room)
    try:
        yield show
    finally:
        for handler in handlers:
            handler.removeFilter(make_room)
        controller.end()
