-- writes: appearances
-- reads:  frames, objects
-- keep:   table
-- keys:   frame_id, object_id

-- The mean colour of each object on its image, so that a mark has another one; and whether the image can be decoded at all: nothing is
-- asked about one that cannot, whatever its marks look like. A frame whose image was not there when it was imported has none; its marks have
-- any colours. One row a frame, with its objects as a list, so that an image is decoded once.
SELECT
    frame_id, look['object_id'] AS object_id, look['colour'] AS colour, look['quarantined'] AS quarantined
FROM (
    SELECT frame_id, unnest(looks) AS look
    FROM (
        SELECT f.frame_id, appearance(f.uri, o.things) AS looks
        FROM frames AS f
        JOIN (
            SELECT frame_id, array_agg(named_struct('object_id', object_id, 'box', box, 'mask', mask)) AS things
            FROM objects
            GROUP BY frame_id
        ) AS o ON o.frame_id = f.frame_id
        WHERE f.sha256 IS NOT NULL
    )
)
