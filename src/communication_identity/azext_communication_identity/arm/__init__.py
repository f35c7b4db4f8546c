# SPDX-License-Identifier: MIT
"""Azure Resource Manager (ARM): sends requests, reads and changes access, and turns errors into messages for users."""
