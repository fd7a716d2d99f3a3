"""Around the assignments: checks that explain, a look before handing in, what autograding needs."""
