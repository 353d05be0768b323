"""What the verbs do: each reads like a runbook, and picks the backend."""
