"""Starts the keeper: `python -S -E …/engine/keeper/__main__.py --runtime D --state D --engine-command JSON …`.

Run by its path rather than as a module, so that no site-packages are needed: `engine` is found from here.
"""

import os
import sys


def start() -> None:
    """Find the package, then the rest."""
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from engine.keeper.main import main

    sys.exit(main())


if __name__ == "__main__":
    start()
