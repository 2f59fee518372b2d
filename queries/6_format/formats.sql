-- writes: formats
-- reads:
-- keep:   view
-- keys:   text_format, image_format

-- The instruction formats: how a text refers to things, by what is drawn on the image. Four by five, without (original, mark):
-- with nothing drawn there is no mark to point at, so there are 19. One format more is one line more.
--
-- needs  what a question must offer to be asked in this format.
-- names  whether the text says what its things are. Where it does not, the box or mask must tell it: `outline`. (A number stands on
--        its thing alone.)
WITH texts (text_format, points_at_marks, names, name, box) AS (
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
    t.names,
    named_struct(
        'name', t.name, 'box', t.box OR i.box, 'mask', i.mask, 'number', i.number,
        'outline', NOT t.names AND NOT (t.points_at_marks AND i.number)) AS needs
FROM texts AS t
CROSS JOIN images AS i
WHERE i.marked OR NOT t.points_at_marks
