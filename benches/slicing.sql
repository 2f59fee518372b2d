-- B5: what people ask of a dataset. $id and $frame are a sample's and an image's; each query stands after its name.

-- counts by task and formats
SELECT task, text_format, image_format, count(*) AS n FROM dataset GROUP BY task, text_format, image_format ORDER BY 1, 2, 3;

-- a rare task
SELECT relation, count(*) AS n FROM dataset WHERE task = 'object_counting' GROUP BY relation ORDER BY 1;

-- a task, format and source
SELECT count(*) AS n, max(length(question)) AS longest, sum(length(answer)) AS letters FROM dataset
WHERE task = 'position_comparison' AND text_format = 'mark' AND image_format = 'numbers' AND source = 'coco';

-- twenty samples of it
SELECT sample_id, question, answer FROM dataset
WHERE task = 'position_comparison' AND text_format = 'mark' AND image_format = 'numbers' AND source = 'coco' LIMIT 20;

-- a sample by its id
SELECT question, answer FROM dataset WHERE sample_id = '$id';

-- the samples of an image
SELECT count(*) AS n, max(margin) AS clearest FROM dataset WHERE frame_ids[1] = '$frame';

-- questions, counted once each
SELECT count(DISTINCT question_id) AS n FROM dataset;

-- words in a question
SELECT count(*) AS n FROM dataset WHERE question LIKE '%left of the%';
