"""`python -m assistant.demo`."""

import sys

from assistant.demo.run import main

sys.exit(main())
