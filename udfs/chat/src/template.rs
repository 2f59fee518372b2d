//! Prompt templates: `{width}`, `{phrase}` are filled. Any other brace is a brace, because prompts show JSON.

use thiserror::Error;

/// A prompt that is known to be fillable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(String),
}

/// What is wrong with a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    #[error("nothing fills `{{{0}}}`: there are {1}")]
    Unknown(String, String),
    #[error("the prompt needs `{{{0}}}`")]
    Missing(&'static str),
    #[error("the prompt does not ask for JSON")]
    NoJson,
    #[error("the prompt is empty")]
    Empty,
    #[error("the prompt has {0} bytes, more than {LONGEST}")]
    Long(usize),
}

/// What fills a template: those that a step has, and those that a prompt of it cannot do without.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub known: &'static [&'static str],
    pub needed: &'static [&'static str],
}

/// A prompt is a page, and is sent with every image.
const LONGEST: usize = 16 << 10;

/// All that is wrong with a prompt, of a step with these places.
pub fn lint(prompt: &str, places: Places) -> Vec<TemplateError> {
    let mut wrong = Vec::new();
    if prompt.trim().is_empty() {
        wrong.push(TemplateError::Empty);
    }
    if prompt.len() > LONGEST {
        wrong.push(TemplateError::Long(prompt.len()));
    }
    // Servers that are asked for "some JSON object" refuse a prompt without the word.
    if !prompt.contains("JSON") {
        wrong.push(TemplateError::NoJson);
    }
    let named: Vec<String> = pieces(prompt).into_iter().filter_map(Piece::place).collect();
    let unknown = named.iter().filter(|name| !places.known.contains(&name.as_str()));
    let listed = || places.known.iter().map(|name| format!("`{{{name}}}`")).collect::<Vec<_>>().join(", ");
    wrong.extend(unknown.map(|name| TemplateError::Unknown(name.clone(), listed())));
    let missing = places.needed.iter().filter(|needed| !named.iter().any(|name| name == *needed));
    wrong.extend(missing.map(|needed| TemplateError::Missing(needed)));
    wrong
}

impl Template {
    /// A prompt that [`lint`] has nothing against.
    pub fn parse(prompt: &str, places: Places) -> Result<Self, TemplateError> {
        match lint(prompt, places).into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(Self { pieces: pieces(prompt.trim()) }),
        }
    }

    /// The prompt. What fills it is put on one line, and is not looked at for places again.
    pub fn fill(&self, values: &[(&str, &str)]) -> String {
        let mut prompt = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => prompt += text,
                Piece::Place(name) => {
                    let value = values.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
                    prompt += &value
                        .split(|c: char| c.is_whitespace() || c.is_control())
                        .filter(|w| !w.is_empty())
                        .collect::<Vec<_>>()
                        .join(" ");
                }
            }
        }
        prompt
    }
}

impl Piece {
    fn place(self) -> Option<String> {
        match self {
            Self::Place(name) => Some(name),
            Self::Text(_) => None,
        }
    }
}

/// A word in braces is a place, be it known or not, so that a typing error is found.
fn pieces(prompt: &str) -> Vec<Piece> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), prompt);
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let name = inside.split('}').next().filter(|name| inside.len() > name.len() && is_name(name.trim()));
        match name {
            Some(name) => {
                text += &rest[..open];
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Place(name.trim().to_owned()));
                rest = &inside[name.len() + 1..];
            }
            None => {
                text += &rest[..=open];
                rest = inside;
            }
        }
    }
    pieces.push(Piece::Text(text + rest));
    pieces
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACES: Places = Places { known: &["phrase", "width"], needed: &["phrase"] };

    #[test]
    fn places_are_filled_once() {
        let template = Template::parse("JSON {\"a\": {phrase}} {width}x{ phrase } {} {\n", PLACES).unwrap();
        let filled = template.fill(&[("phrase", "a\n {width}\u{0}b"), ("width", "640")]);
        assert_eq!(filled, "JSON {\"a\": a {width} b} 640xa {width} b {} {");
    }

    #[test]
    fn what_lint_finds() {
        let found = |prompt: &str| lint(prompt, PLACES).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("JSON for {phrase}"), [""; 0]);
        assert_eq!(
            found(""),
            ["the prompt is empty", "the prompt does not ask for JSON", "the prompt needs `{phrase}`"]
        );
        assert_eq!(found("JSON {Phrase} {phrase}"), ["nothing fills `{Phrase}`: there are `{phrase}`, `{width}`"]);
        assert_eq!(found(&format!("JSON {{phrase}}{}", " ".repeat(LONGEST))).len(), 1);
        assert!(Template::parse("JSON {category} {phrase}", PLACES).is_err());
    }

    proptest! {
        #[test]
        fn no_prompt_makes_it_panic(prompt in "[{}a_ é\n\"]{0,40}") {
            let all: String = pieces(&prompt)
                .into_iter()
                .map(|piece| match piece { Piece::Text(text) => text, Piece::Place(name) => format!("{{{name}}}") })
                .collect();
            // Nothing is lost but blanks inside of braces.
            prop_assert_eq!(all.replace([' ', '\n'], ""), prompt.replace([' ', '\n'], ""));
        }
    }
}
