"""``python -m sonicmini``."""

from sonicmini.cli import main

if __name__ == "__main__":
    main()
