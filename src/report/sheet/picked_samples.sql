-- The samples of a sheet, where nobody names them: a fair choice, and the same one each time. '' is every source, and every task.
SELECT sample_id
FROM dataset
WHERE ($source = '' OR source = $source) AND ($task = '' OR task = $task)
ORDER BY draw(0, 'sheet', sample_id), sample_id
