"""``python -m bonafide_local``."""

import sys

from bonafide_local.cli import main

if __name__ == "__main__":
    sys.exit(main())
