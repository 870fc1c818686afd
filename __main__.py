"""`python -m memhp`."""

import sys

from memhp.cli.main import main

sys.exit(main())
