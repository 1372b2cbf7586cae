"""What is kept of generated particles, and what is made of them."""
