"""``python -m sonicmini.inference.proxy HOST:PORT``: the proxy as a process.

Its first line of output is ``{"port": N}``; after that it takes commands, as in ``process.py``.
"""

import argparse
import sys

from sonicmini.inference.proxy.line import Cable
from sonicmini.inference.proxy.process import obey
from sonicmini.inference.proxy.threaded import Proxy


def main() -> None:
    """Runs until the standard input ends."""
    parser = argparse.ArgumentParser(
        prog="python -m sonicmini.inference.proxy", description=__doc__
    )
    parser.add_argument("target", metavar="HOST:PORT")
    parser.add_argument("--listen", type=int, default=0, metavar="PORT", help="0: any free one")
    parser.add_argument("--delay", type=float, default=0.0, metavar="S", help="of a round trip")
    parser.add_argument("--rate", type=float, metavar="BYTES", help="per second, each way")
    options = parser.parse_args()
    host, _, port = options.target.rpartition(":")
    cable = Cable(delay_s=options.delay, bytes_per_s=options.rate)
    with Proxy(host, int(port), listen=options.listen, cable=cable) as proxy:
        _say(f'{{"port": {proxy.port}}}')
        for line in sys.stdin:
            _say(obey(proxy, line))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
