"""``python -m textaxa``: the command line without its script on the path."""

from textaxa.cli import main

if __name__ == "__main__":
    main()
