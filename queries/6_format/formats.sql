-- writes: formats
-- reads:
-- keep:   view
-- keys:   text_format, image_format

-- The instruction formats: how a text refers to objects (five ways), by what is drawn on the image (four ways), without (original, mark):
-- with nothing drawn there is no mark to point at, so there are 19. Out comes a row a format; one format more is one line more.
--
-- required       which ways of referring to its objects a question must have available to be asked in this format.
-- names_objects  whether the text says the objects' names. Where it does not, the box or mask must tell which one is meant: `outline`.
--                (A number stands on its object alone.)
WITH texts (text_format, points_at_marks, names_objects, name, box) AS (
    VALUES
        ('natural', false, true, true, false),            -- the red chair
        ('ref_caption', false, true, true, false),        -- the <ref>red chair</ref>
        ('ref_region_box', false, false, false, true),    -- the <ref>region</ref><box>1</box>
        ('ref_caption_box', false, true, false, true),    -- the <ref>red chair</ref><box>1</box>
        ('mark', true, false, false, false)               -- the object in the blue box, object 2
),
images (image_format, marked, box, mask, number) AS (
    VALUES
        ('original', false, false, false, false),
        ('boxes', true, true, false, false),
        ('masks', true, false, true, false),
        ('numbers', true, false, false, true)
)
SELECT
    text_format,
    image_format,
    t.names_objects,
    named_struct(
        'name', t.name, 'box', t.box OR i.box, 'mask', i.mask, 'number', i.number,
        'outline', NOT t.names_objects AND NOT (t.points_at_marks AND i.number)) AS required
FROM texts AS t
CROSS JOIN images AS i
WHERE i.marked OR NOT t.points_at_marks
