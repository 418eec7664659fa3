"""``python -m icnewton`` is the command ``icnewton``."""

from icnewton.commands import main

if __name__ == "__main__":
    main()
