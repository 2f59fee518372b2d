-- Plain questions about plain images: what the other formats are compared with.
SELECT * FROM dataset WHERE text_format = 'natural' AND image_format = 'original'
