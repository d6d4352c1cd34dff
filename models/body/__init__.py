"""The body: skeleton, rotations, forward kinematics. Array code for numpy and torch alike; imports no torch."""
