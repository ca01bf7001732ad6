"""Search for architectures under limits of cost: ledger, evolution, front. It knows no tracker."""
