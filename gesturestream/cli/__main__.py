"""`python -m gesturestream.cli`."""

import sys

from gesturestream.cli import main

sys.exit(main())
