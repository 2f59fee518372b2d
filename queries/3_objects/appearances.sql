-- writes: appearances
-- reads:  frames, objects
-- keep:   table
-- keys:   frame_id, object_id

-- Mean colours: the colour of each object on its image, so that its mark can have another one, and the proof that the image can be decoded:
-- nothing is asked about an image that cannot, whatever its marks look like. In go frames, each with its objects as a list, so that an
-- image is decoded once; out comes a row an object. A frame whose image was not there when it was imported has none; its marks have any
-- colours.
SELECT
    frame_id, look['object_id'] AS object_id, look['colour'] AS colour, look['quarantined'] AS quarantined
FROM (
    SELECT frame_id, unnest(looks) AS look
    FROM (
        SELECT f.frame_id, appearance(f.uri, o.regions) AS looks
        FROM frames AS f
        JOIN (
            SELECT frame_id, array_agg(named_struct('object_id', object_id, 'box', box, 'mask', mask)) AS regions
            FROM objects
            GROUP BY frame_id
        ) AS o ON o.frame_id = f.frame_id
        WHERE f.sha256 IS NOT NULL
    )
)
