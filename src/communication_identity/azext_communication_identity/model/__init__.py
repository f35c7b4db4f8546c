# SPDX-License-Identifier: MIT
"""What doesn't need a service: identities, names, roles and the life of a write, as data. Pure: no I/O, no SDK."""
