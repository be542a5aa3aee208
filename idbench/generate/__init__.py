"""How images get made: ledger, producers, processes."""
