"""From a user's file to one validated `xarray.Dataset` per patient, and back to the peers' formats."""
