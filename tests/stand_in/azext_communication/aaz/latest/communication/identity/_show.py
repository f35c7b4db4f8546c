# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Their `show`."""

from azure.cli.core.aaz import AAZCommand, AAZStrArg, register_command


@register_command("communication identity show", is_preview=True)
class Show(AAZCommand):
    """Microsoft's show.
    """

    _args_schema = None

    @classmethod
    def _build_arguments_schema(cls, *args, **kwargs):
        if cls._args_schema is None:
            cls._args_schema = super()._build_arguments_schema(*args, **kwargs)
            cls._args_schema.name = AAZStrArg(options=["-n", "--name"], help="Theirs.", required=True)
            cls._args_schema.resource_group = AAZStrArg(options=["-g", "--resource-group"], help="Theirs.")
            cls._args_schema.theirs = AAZStrArg(options=["--theirs"], help="Theirs.")
        return cls._args_schema

    def _handler(self, command_args):
        super()._handler(command_args)
        return {"speaking": "Microsoft"}


__all__ = ["Show"]
