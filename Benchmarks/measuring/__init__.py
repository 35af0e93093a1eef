"""Measures Switchyard against something that does the same work on the same machine in the same minutes."""
