#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Commands for developers. `python3 dev.py demo` shows the extension at work, and `python3 dev.py test` tests it. Each
command sets up what it needs on a machine that has only Python 3.10 or later. Uses only the standard library.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  # whoever runs it may have an older one
    sys.exit(f"dev.py requires Python 3.10 or later. This is {sys.version.split()[0]}. Try: python3.12 dev.py …")

from tools.main import main  # noqa: E402  # the check above has to come first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
