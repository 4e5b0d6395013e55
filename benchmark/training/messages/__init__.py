"""What happens to values on their way to the server: compressed, clipped, attacked, aggregated."""
