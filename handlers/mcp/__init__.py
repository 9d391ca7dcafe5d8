"""The tools of plan-writing programs over MCP: one table, each tool a use case of the API away."""
