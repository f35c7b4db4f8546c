# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""A command that is none of ours."""

from azure.cli.core.aaz import AAZCommand, AAZStrArg, register_command


@register_command("communication show")
class Show(AAZCommand):
    """Say who is speaking.
    """

    _args_schema = None

    @classmethod
    def _build_arguments_schema(cls, *args, **kwargs):
        if cls._args_schema is None:
            cls._args_schema = super()._build_arguments_schema(*args, **kwargs)
            cls._args_schema.name = AAZStrArg(options=["-n", "--name"], help="Any name.", required=True)
        return cls._args_schema

    def _handler(self, command_args):
        super()._handler(command_args)
        return {"speaking": "Microsoft", "name": self.ctx.args.name.to_serialized_data()}


__all__ = ["Show"]
