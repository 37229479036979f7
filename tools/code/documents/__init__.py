"""YAML of any kind: read with its lines kept, and checked for what YAML itself gets wrong."""
