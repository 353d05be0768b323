"""From settings to Helm: the values that the chart gets, and the argument lists of `helm`."""
