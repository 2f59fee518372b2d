-- The clearest facts: twice the margin that a question needs at least, everything in full view.
SELECT * FROM dataset WHERE margin > 1.0 AND visibility > 0.9 AND lift_quality > 0.8
