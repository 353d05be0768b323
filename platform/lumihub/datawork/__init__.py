"""What runs in the cluster's pods beside Dask's operator: brings the platform's Dask up, works with it, and ends it."""
