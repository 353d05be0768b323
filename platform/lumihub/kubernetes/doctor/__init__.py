"""What the platform needs from a cluster, each thing tried and not guessed."""

from lumihub.kubernetes.doctor.examination import examine

__all__ = ["examine"]
