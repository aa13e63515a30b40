"""`python -m largesse` is the command line."""

from largesse.cli import main

if __name__ == "__main__":
    main()
