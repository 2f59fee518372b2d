//! What the ids of a scene's id images are: a JSON file with a category for each.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::caption::Caption;
use crate::source::category;
use crate::source::json::forms::{self, Entries, Flag, Number, Perhaps};
use crate::tables::Unusable;

/// Larger files of names are refused: there are 65,535 ids at most.
pub const MAX_BYTES: u64 = 64 << 20;

/// What such a file should be.
const SHAPE: &str = "an object that says what each id of the id images is, such as \
                     {\"1\": \"chair\", \"2\": {\"category\": \"bed\", \"caption\": \"the red bed\"}, \"3\": null}";

/// What an id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub category: String,
    pub caption: Option<String>,
    pub crowd: bool,
}

/// What a file says of ids.
#[derive(Debug, Default)]
pub struct InstanceNames {
    /// None for what is no object (walls, background), an error for what could not be used.
    pub of: BTreeMap<u16, Option<Result<Instance, Unusable>>>,
    /// What is odd, and costs nothing by itself, with the id or what stands there instead.
    pub oddities: Vec<(String, Unusable)>,
}

/// As `instances.json` writes it: only a category, or more.
#[derive(Deserialize)]
#[serde(untagged)]
enum InstanceForm {
    Category(String),
    Whole {
        category: String,
        #[serde(default)]
        caption: Option<Perhaps<String>>,
        #[serde(default)]
        crowd: Flag,
    },
    Unusable(IgnoredAny),
}

/// Reads `instances.json`: `{"1": "chair", "2": {"category": "bed", "caption": ".."}, "3": null}`. Code: `json`; entries that
/// cannot be used keep their own code.
pub fn names(json: &[u8]) -> Result<InstanceNames, Unusable> {
    let Entries(entries) = forms::file::<Entries<Option<InstanceForm>>>(json, SHAPE)?;
    let mut names = InstanceNames::default();
    for (text, entry) in entries {
        let Some(id) = id(&text) else {
            let message = format!("`{}` is no id from 0 to 65535, so that it names nothing", text.escape_debug());
            names.oddities.push((text, Unusable::new("json", message)));
            continue;
        };
        let (entry, oddity) = match entry.map(InstanceForm::judged) {
            None => (None, None),
            Some(Ok((instance, oddity))) => (Some(Ok(instance)), oddity),
            Some(Err(why)) => (Some(Err(why)), None),
        };
        names.oddities.extend(oddity.map(|oddity| (text, oddity)));
        match names.of.get(&id) {
            None => drop(names.of.insert(id, entry)),
            Some(first) if *first == entry => {}
            Some(_) => {
                let message = format!("id {id} is named twice, and not the same; nobody knows what it is");
                names.of.insert(id, Some(Err(Unusable::new("duplicate", message))));
            }
        }
    }
    Ok(names)
}

/// An id as a field's name, which is text: `7`, and `7.0` where a table library made it a float.
fn id(text: &str) -> Option<u16> {
    let id = Number(text.trim().parse().ok()?).whole()?;
    u16::try_from(id).ok()
}

impl InstanceForm {
    /// The instance, and what is odd about it.
    fn judged(self) -> Result<(Instance, Option<Unusable>), Unusable> {
        let (category, caption, crowd) = match self {
            Self::Category(category) => (category, None, Flag::default()),
            Self::Whole { category, caption, crowd } => (category, caption, crowd),
            Self::Unusable(_) => {
                let message = "what it is should be a category, or null where it is no object, or \
                               {\"category\": .., \"caption\": .., \"crowd\": ..} with each of these once";
                return Err(Unusable::new("json", message));
            }
        };
        let category =
            category::spelled(&category).ok_or_else(|| Unusable::new("category", "the category is empty"))?;
        let caption = Perhaps::given(&caption).and_then(|caption| Caption::of(caption));
        let (caption, oddity) = caption.map_or((None, None), |Caption { text, oddity }| (Some(text), oddity));
        Ok((Instance { category, caption, crowd: crowd.0 == Some(true) }, oddity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_in_any_form() {
        let json = r#"{"1": "Chair", " 2.0": {"category": "bed", "caption": ["x"], "crowd": "1", "area": NaN}, "3": null,
            "_note": "made by hand", "70000": "far", "4": 5, "5": {"category": "a", "category": "b"}, "6": "", "7": "sofa",
            "7.0": "sofa", "8": "sofa", "8": "couch", "9": {"caption": "what"}}"#;
        let names = names(json.as_bytes()).unwrap();
        let of = |id: u16| match names.of.get(&id) {
            None => "nothing".to_owned(),
            Some(None) => "no object".to_owned(),
            Some(Some(Ok(Instance { category, crowd, .. }))) => format!("{category} {crowd}"),
            Some(Some(Err(why))) => why.code.to_string(),
        };
        let found: Vec<String> = (0..=9).map(of).collect();
        let expected = ["nothing", "chair false", "bed true", "no object", "json", "json", "category", "sofa false"];
        assert_eq!(found[..8], expected);
        assert_eq!(found[8..], ["duplicate", "json"]);
        let odd: Vec<&str> = names.oddities.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(odd, ["_note", "70000"]);
    }
}
