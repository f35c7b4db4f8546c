# SPDX-License-Identifier: MIT
"""What doesn't need a service: identities, IDs, roles and updates, as data and as flows. Pure: no I/O, no SDK."""
