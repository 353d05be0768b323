"""What runs in the cluster's pods for the data verbs: brings the platform's Dask up, hands it an order, and ends it."""
