-- The clearest facts: wide margins between objects in full view, whose shapes can be trusted.
SELECT * FROM dataset WHERE margin > 1.0 AND visibility > 0.9 AND lift_quality > 0.8
