"""Which user names there may be."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
NAME_RULE = "1 to 64 of a-z, 0-9 and . _ @ - with a letter or digit first"
