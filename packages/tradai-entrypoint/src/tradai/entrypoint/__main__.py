"""``python -m tradai.entrypoint``: the same as the command ``tradai-entrypoint``."""

import sys

from tradai.entrypoint._main import main

if __name__ == "__main__":
    sys.exit(main())
