"""What happens inside the process of a run: label, train, score, count, time. Only ``worker`` calls it."""
