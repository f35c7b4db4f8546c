# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What doesn't need a service: identities, names, roles and the life of a write, as data. Pure: no I/O, no SDK."""
