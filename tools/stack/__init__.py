"""Real servers and the five services in processes of their own, on the loopback address, without root or containers."""
