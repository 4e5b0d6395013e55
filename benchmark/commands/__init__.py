"""Commands of `fedrl`, one file each; heavy imports stand inside the functions."""
