"""The gateway service: Envoy's configuration, its lanes and its process."""
