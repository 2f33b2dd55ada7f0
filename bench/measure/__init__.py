"""What is measured of a network: accuracy, cost, latency, memory."""
