"""What is here, what would happen, what looks doubtful: doctor, dry run, audit, crosscheck."""
