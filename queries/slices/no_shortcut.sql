-- Samples without a shortcut: neither the names of the objects nor their 2D boxes give the answer.
SELECT * FROM dataset WHERE shortcut = 'none'
