-- The frames of a contact sheet, where nobody names them: a fair choice, and the same one each time. '' is every source.
SELECT frame_id
FROM frames
WHERE $source = '' OR source = $source
ORDER BY draw(0, 'sheet', frame_id), frame_id
