//! Captions: what people said of an image or an object, as far as it is kept.

use crate::tables::Unusable;

/// Longer captions are not phrases.
pub const MAX_CAPTION: usize = 1000;

/// What people said, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Caption {
    pub text: String,
    /// Where it was cut.
    pub oddity: Option<Unusable>,
}

impl Caption {
    /// None where nothing was said. What is longer than [`MAX_CAPTION`] ends with the last word that fits.
    pub fn of(said: &str) -> Option<Self> {
        let said = said.trim();
        if said.len() <= MAX_CAPTION {
            return (!said.is_empty()).then(|| Self { text: said.to_owned(), oddity: None });
        }
        let room = &said[..said.floor_char_boundary(MAX_CAPTION)];
        let text = room.rfind(char::is_whitespace).map_or(room, |end| room[..end].trim_end()).to_owned();
        let message =
            format!("a caption of {} bytes was cut after {}: {MAX_CAPTION} are allowed", said.len(), text.len());
        Some(Self { text, oddity: Some(Unusable::new("caption", message)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_caption_is_cut_after_a_word() {
        let Caption { text, oddity } = Caption::of(&format!(" {}", "wörd ".repeat(400))).unwrap();
        assert!(text.len() <= MAX_CAPTION && text.ends_with("wörd"), "{text}");
        assert_eq!(oddity.unwrap().code, "caption");
        assert_eq!(Caption::of(&"ö".repeat(MAX_CAPTION)).unwrap().text.len(), MAX_CAPTION);
        assert_eq!(Caption::of(" \n"), None);
    }
}
