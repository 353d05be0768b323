"""What runs in a student's server: its start, its settings, the delivery of lessons."""
