"""What the bridge can be tried with: stand-ins that speak the services' protocols over a socket, and sample events."""
