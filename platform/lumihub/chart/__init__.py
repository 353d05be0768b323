"""From settings to Helm: the values of the chart, and the argument lists of helm."""

from lumihub.chart.commands import (
    helm_get_manifest,
    helm_get_values,
    helm_history,
    helm_rollback,
    helm_status,
    helm_template,
    helm_uninstall,
    helm_upgrade,
)
from lumihub.chart.lessons import load_lessons
from lumihub.chart.location import CHART
from lumihub.chart.values import build_values, load_certificate

__all__ = [
    "CHART",
    "build_values",
    "helm_get_manifest",
    "helm_get_values",
    "helm_history",
    "helm_rollback",
    "helm_status",
    "helm_template",
    "helm_uninstall",
    "helm_upgrade",
    "load_certificate",
    "load_lessons",
]
