# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

from .__cmd_group import *  # noqa: F403  # as generated
from ._show import *  # noqa: F403  # as generated
