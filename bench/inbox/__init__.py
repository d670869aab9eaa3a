"""What the scenes of the inbox need: requests that are signed beforehand, who sends them, and what they are compared with."""
