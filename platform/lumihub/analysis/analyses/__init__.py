"""One analysis a file: branches, cuts in order, histograms, collected in `ANALYSIS`."""
