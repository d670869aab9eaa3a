"""What Postrider does per second and per delivery, measured from outside on one machine."""
