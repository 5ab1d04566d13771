"""Run the command line as ``python -m clonalbayes``."""

import sys

from clonalbayes.cli import main

if __name__ == "__main__":
    sys.exit(main())
