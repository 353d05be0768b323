"""What our processes go without, so that they start sooner."""

from __future__ import annotations

import sys

_ADDRESS_PARSER = "rfc3987_syntax"


def leave_out_address_parser() -> None:
    """Keep jsonschema from building a parser of international addresses, which takes one to two seconds.

    Without it that one format goes unchecked, and no schema of Jupyter's names it. To be called before jsonschema is
    imported, in processes that no user's code runs in.
    """
    sys.modules.setdefault(_ADDRESS_PARSER, None)  # type: ignore[arg-type]
