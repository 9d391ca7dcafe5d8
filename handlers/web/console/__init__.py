"""The console: pages for operators and auditors, rendered by the server from the use cases."""
