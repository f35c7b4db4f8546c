# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The group."""

from azure.cli.core.aaz import AAZCommandGroup, register_command_group


@register_command_group("communication identity", is_preview=True)
class __CMDGroup(AAZCommandGroup):
    """Microsoft's words on identities.
    """


__all__ = ["__CMDGroup"]
