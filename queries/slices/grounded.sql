-- Texts with boxes over plain images: for a model that reads and writes coordinates.
SELECT * FROM dataset WHERE text_format IN ('ref_region_box', 'ref_caption_box') AND image_format = 'original'
