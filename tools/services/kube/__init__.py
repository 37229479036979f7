"""Kubernetes as a service manager that can act: workloads and pods of chosen namespaces."""
