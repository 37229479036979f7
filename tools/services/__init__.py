"""Services: what a service manager says about them, as evidence and as log sources."""
