"""What one types: a thin file for each command."""
