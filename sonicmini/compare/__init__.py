"""Two outputs, or two runs, side by side: is the physics the same, and how fast was each?"""
