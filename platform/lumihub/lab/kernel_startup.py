"""Run by each kernel and each interactive Python of a student as it starts: the variable PYTHONSTARTUP names it."""

try:
    from lumihub.lab.openmagic import adapt_on_import
except ImportError:  # an environment that the student made
    pass
else:
    adapt_on_import()
    del adapt_on_import
