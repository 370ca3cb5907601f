"""The recipe that made `models/`: raw data to measured weights. See training/README.md."""
