"""Tables, migrations and the implementations of the ports."""
