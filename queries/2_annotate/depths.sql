-- writes: depths
-- reads:  frames, cameras
-- keep:   table
-- keys:   frame_id
-- check:  near > 0 AND near <= far
-- when:   depth_model

-- Monocular depth: a depth image from a model for each frame whose source measured none. In go frames and cameras; out comes a row a frame.
SELECT
    frame_id, d['depth_uri'] AS depth_uri, d['depth_scale'] AS depth_scale, d['near'] AS near, d['far'] AS far, d['trust'] AS trust,
    d['made_by'] AS made_by, d['quarantined'] AS quarantined
FROM (
    SELECT
        f.frame_id,
        unnest(depth(f.uri, f.sha256, named_struct('fx', c.fx, 'fy', c.fy, 'cx', c.cx, 'cy', c.cy), $depth_model)) AS d
    FROM cameras AS c
    JOIN frames AS f ON f.frame_id = c.frame_id
)
