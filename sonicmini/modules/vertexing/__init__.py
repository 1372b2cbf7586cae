"""Primary and secondary vertices, and which tracks belong to them."""
