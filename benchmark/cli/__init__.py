"""The command `fedrl`. Only this room prints."""
