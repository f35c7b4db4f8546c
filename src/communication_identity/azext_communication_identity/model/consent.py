# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Whether a removal that destroys something may proceed. Pure: no I/O, no SDK."""

from __future__ import annotations

from enum import Enum


class Consent(Enum):
    """What to do before a removal that deletes the system-assigned identity, leaves no identity, or removes all
    user-assigned identities without naming them. Don't use its truth value; compare with `is`.
    """

    YES = "yes"  # --yes, or the setting core.disable_confirm_prompt
    ASK = "ask"  # standard input is a terminal
    GO_ON = "go on"  # no terminal, and the command line names the resources and identities
    REFUSE = "refuse"  # the resource IDs come from standard input, so there is no one to ask


def consent(*, yes: bool, terminal: bool, ids_from_stdin: bool) -> Consent:
    """The consent that a command line gives."""
    if yes:
        return Consent.YES
    if terminal:
        return Consent.ASK
    return Consent.REFUSE if ids_from_stdin else Consent.GO_ON
