"""LumiHub: one command brings a class from nothing to analysing real ATLAS Open Data together."""

__version__ = "0.1.0"
