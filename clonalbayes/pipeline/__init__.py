"""From the description of a patient, `run.toml`, to the result folder: checked, planned, redone where changed."""
