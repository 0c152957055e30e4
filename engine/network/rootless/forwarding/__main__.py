"""Starts it: `python -S -E …/forwarding/__main__.py CONTROL`, the descriptor of a listening unix socket.

Run by its path rather than as a module, so that no site-packages are needed: `engine` is found from here.
"""

import os
import sys


def start() -> None:
    """Find the package, then the rest."""
    sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 4))
    from engine.network.rootless.forwarding.control import main

    main(int(sys.argv[1]))


if __name__ == "__main__":
    start()
