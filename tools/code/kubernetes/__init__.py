"""Kubernetes manifests: against the API's schemas, against each other, and for what they open.

The schemas ship with kubernetes-validate, whose only home this package is. No cluster is asked.
"""
