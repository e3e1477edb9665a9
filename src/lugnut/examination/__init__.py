"""What `lugnut doctor` examines: where environment and cache lie, what was tried there, and what follows of it."""
