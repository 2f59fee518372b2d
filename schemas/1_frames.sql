-- One image with what is known of its camera.
CREATE TABLE frames (
    frame_id          VARCHAR NOT NULL COMMENT 'unique in the warehouse: <source>/<the source''s own key>',
    source            VARCHAR NOT NULL COMMENT 'the name of the [[source]] that it came from',
    scene_id          VARCHAR COMMENT 'the scan, room or sequence that shows it together with other frames; null for a lone photo',
    split             VARCHAR COMMENT 'train, val or test, as the source or the project file says',
    licence           VARCHAR COMMENT 'name or URL of the licence; travels to every sample',
    uri               VARCHAR NOT NULL COMMENT 'URL of the colour image',
    sha256            VARCHAR COMMENT 'SHA-256 of the image file, lower-case hexadecimal',
    width             INT NOT NULL COMMENT 'pixels',
    height            INT NOT NULL COMMENT 'pixels',
    fx                DOUBLE COMMENT 'focal length, pixels',
    fy                DOUBLE COMMENT 'focal length, pixels',
    cx                DOUBLE COMMENT 'principal point, pixels; the centre of the top-left pixel is (0, 0)',
    cy                DOUBLE COMMENT 'principal point, pixels',
    world_from_camera DOUBLE[] COMMENT '16 numbers, row-major 4x4; camera axes as OpenCV (x right, y down, z forward); world in metres, z up',
    gravity           STRUCT<x DOUBLE, y DOUBLE, z DOUBLE> COMMENT 'unit vector that points down, in camera axes; used where there is no pose',
    depth_uri         VARCHAR COMMENT 'URL of the depth image, registered to the colour image; null when there is none',
    depth_scale       DOUBLE COMMENT 'stored units in a metre (1000 for millimetres, 1 for metres)',
    timestamp         DOUBLE COMMENT 'seconds since the start of its scene',
    lifted_from       VARCHAR COMMENT 'which evidence makes this frame''s objects: scan (scene_objects and a pose), depth (masks and depth), box (3D boxes of detections), null (none yet)',
    exhaustive        BOOLEAN NOT NULL COMMENT 'true where the source marks every object of the categories it uses, so that they may be counted',
    captions          VARCHAR[] COMMENT 'what people said of the whole image; never of one object, so no question is made from it'
);
