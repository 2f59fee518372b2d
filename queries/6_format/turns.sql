-- writes: turns
-- reads:
-- keep:   view
-- keys:   shape, turn

-- Counterbalancing turns: which of two opposites a sample asks about, and which option comes first. Out comes a row a shape and turn. The
-- formats of a question take the turns one after the other, and so do the questions of a scene: what is asked and in which order belong to the
-- sample and not to the question. Each turn has the other letter, or the other of yes and no, than the turn before.
--
-- flipped  whether the opposite of the relation that holds is asked about.
-- answer   what the answer is then: yes or no, or the letter of the right option, with the number of options where a task has choices of several: letters
--          are balanced among as many. Null where it is the question's own.
SELECT * FROM (VALUES
    ('yes_no', 'yes_no', 0, false, 'yes'),
    ('yes_no', 'yes_no', 1, true, 'no'),
    ('yes_no', 'yes_no', 2, false, 'yes'),
    ('yes_no', 'yes_no', 3, true, 'no'),
    ('choice of object', 'choice', 0, false, 'A'),    -- subject, object
    ('choice of object', 'choice', 1, true, 'B'),     -- subject, object
    ('choice of object', 'choice', 2, true, 'A'),     -- object, subject
    ('choice of object', 'choice', 3, false, 'B'),    -- object, subject
    ('choice of relation', 'choice', 0, false, 'A'),
    ('choice of relation', 'choice', 1, false, 'B'),
    ('choice of relation', 'choice', 2, false, 'A'),
    ('choice of relation', 'choice', 3, false, 'B'),
    -- The right number is the option at the turn's index.
    ('choice of number', 'choice', 0, false, NULL),
    ('choice of number', 'choice', 1, false, NULL),
    ('choice of number', 'choice', 2, false, NULL),
    ('choice of number', 'choice', 3, false, NULL),
    ('choice of value', 'choice', 0, false, 'A of 4'),
    ('choice of value', 'choice', 1, false, 'B of 4'),
    ('choice of value', 'choice', 2, false, 'C of 4'),
    ('choice of value', 'choice', 3, false, 'D of 4'),
    -- The right option is at the turn's index, or begins again: of three options the first is right twice.
    ('choice of 2 options', 'choice', 0, false, 'A of 2'),
    ('choice of 2 options', 'choice', 1, false, 'B of 2'),
    ('choice of 2 options', 'choice', 2, false, 'A of 2'),
    ('choice of 2 options', 'choice', 3, false, 'B of 2'),
    ('choice of 3 options', 'choice', 0, false, 'A of 3'),
    ('choice of 3 options', 'choice', 1, false, 'B of 3'),
    ('choice of 3 options', 'choice', 2, false, 'C of 3'),
    ('choice of 3 options', 'choice', 3, false, 'A of 3'),
    ('choice of 4 options', 'choice', 0, false, 'A of 4'),
    ('choice of 4 options', 'choice', 1, false, 'B of 4'),
    ('choice of 4 options', 'choice', 2, false, 'C of 4'),
    ('choice of 4 options', 'choice', 3, false, 'D of 4'),
    ('fixed yes_no', 'yes_no', 0, false, NULL),
    ('fixed yes_no', 'yes_no', 1, false, NULL),
    ('fixed yes_no', 'yes_no', 2, false, NULL),
    ('fixed yes_no', 'yes_no', 3, false, NULL),
    ('open', 'open', 0, false, NULL),
    ('open', 'open', 1, false, NULL),
    ('open', 'open', 2, false, NULL),
    ('open', 'open', 3, false, NULL),
    ('number', 'number', 0, false, NULL),
    ('number', 'number', 1, false, NULL),
    ('number', 'number', 2, false, NULL),
    ('number', 'number', 3, false, NULL)
) AS t (shape, answer_form, turn, flipped, answer)
