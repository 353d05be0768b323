"""The JupyterHub configuration that every backend loads."""

from lumihub.imports import leave_out_address_parser

# Before anything here imports JupyterHub, which takes half as long then.
leave_out_address_parser()
