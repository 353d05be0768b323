"""The simulated sample that ships with the package, and the program that makes it anew.

Reading the sample needs nothing from here: its files and their `manifest.json` lie in this folder. The modules are
for `python -m lumihub.data.simulated.generate` alone and are imported by nothing else.
"""
