-- Texts that point at what is drawn, and images with something drawn: for a model that is shown regions.
SELECT * FROM dataset WHERE text_format = 'mark'
