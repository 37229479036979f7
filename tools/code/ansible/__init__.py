"""Ansible playbooks and task files: their structure, their modules' habits, what they destroy."""
