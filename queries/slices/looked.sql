-- Samples that nothing but a look at the scene answers: neither the names of the things nor their 2D boxes do.
SELECT * FROM dataset WHERE shortcut = 'none'
