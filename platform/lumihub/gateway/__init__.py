"""Students' Dask clusters across worker pods: dask-gateway as LumiHub sets it up. Runs in its own pods alone."""
