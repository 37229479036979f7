"""Acts that a person has to agree to: asked for, decided, and performed at most once.

What an act does is no business of this package: whoever puts it together hands over a performer for
each action, and the rule whether it may take place now.
"""
