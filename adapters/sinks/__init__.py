"""Sinks: where deliveries are handed over to an agency's own systems. One file a kind of sink."""
