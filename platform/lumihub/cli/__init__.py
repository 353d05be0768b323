"""The command line: one file a verb; `output` is the only printer."""
