# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What the commands do: change one resource or many, remove, grant. Knows `model` and `arm`; nothing of the CLI's parser."""
