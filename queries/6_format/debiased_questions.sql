-- writes: debiased_questions
-- reads:  questions, name_priors
-- keep:   view
-- keys:   question_id

-- Questions with what all questions together say of each: a row of `questions` in, the same row out, with two columns more.
--
-- passes_debias          false for a question that is left out, so that the names in questions do not predict their answers.
-- answerable_from_names  whether the names of its objects alone give the answer.
--
-- Priors are held on the left of the join, questions stream past on the right.
SELECT
    q.*,
    draw($seed, 'nouns', q.question_id) < coalesce(n.rate, 1.0) AS passes_debias,
    coalesce(n.predictive, false) AS answerable_from_names
FROM name_priors AS n
RIGHT JOIN questions AS q
    ON n.source = q.source AND n.task = q.task AND n.subject_category = q.categories[1] AND n.object_category = q.categories[2]
        AND n.relation = q.relation
