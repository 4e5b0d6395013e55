"""What may vary, and how: ranges, axes, designs, and the protocol of a tuning."""
