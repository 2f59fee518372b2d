-- writes: asked
-- reads:  questions, nouns
-- keep:   view
-- keys:   question_id

-- Questions with what is known only when all of them are there.
--
-- even       false for a question that is left out so that words tell nothing of answers.
-- nouns_tell whether the names of its things alone give the answer.
SELECT
    q.*,
    draw($seed, 'nouns', q.question_id) < coalesce(n.rate, 1.0) AS even,
    coalesce(n.tells, false) AS nouns_tell
FROM nouns AS n
RIGHT JOIN questions AS q
    ON n.source = q.source AND n.task = q.task AND n.kind = q.kinds[1] AND n.other = q.kinds[2] AND n.relation = q.relation
