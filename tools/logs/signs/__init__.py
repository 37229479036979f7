"""Signs of trouble that only show over time: what fell silent, burst, restarted or came first.

Everything here is computed from tables of records (`tools.logs.table`) and a few lines of theirs.
How suspicious a single template is by its words and its counts is `tools.logs.ranking`'s business.
"""
