//! The slots of a question: what fills a phrase, each with a name and a kind.
//!
//! | kind | what it holds | in a text |
//! |---|---|---|
//! | object | a name; the n-th object of a question has the n-th of its marks | "the chair", "the object in the red box" |
//! | category | a name; never marked | "a chair", "chairs" |
//! | value | a number with its unit and decimals | "2.3 metres" |
//! | image | a place in `frame_ids`, from 0 | "image 2", "the second image" |
//! | direction | a relation, or words | "to the left" |
//! | list | items: slots, relations or words | "the cup, the lamp, and the vase" |

/// One slot of a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlotValue<'a> {
    pub name: &'a str,
    pub content: Content<'a>,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content<'a> {
    Object(&'a str),
    Category(&'a str),
    Value(Quantity<'a>),
    Image(u32),
    Direction(&'a str),
    List(&'a [&'a str]),
}

/// A number as a text says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity<'a> {
    pub value: f64,
    /// A symbol of [`UNITS`], or any word; empty for a bare number.
    pub unit: &'a str,
    pub decimals: u8,
}

/// The kinds, by the names that SQL and packs have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Object,
    Category,
    Value,
    Image,
    Direction,
    List,
}

/// Symbols of units with the word for one and for several.
pub const UNITS: &[(&str, &str, &str)] = &[
    ("m", "metre", "metres"),
    ("cm", "centimetre", "centimetres"),
    ("m2", "square metre", "square metres"),
    ("m3", "cubic metre", "cubic metres"),
    ("deg", "degree", "degrees"),
    ("s", "second", "seconds"),
];

impl Kind {
    pub const ALL: [Self; 6] = [Self::Object, Self::Category, Self::Value, Self::Image, Self::Direction, Self::List];

    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Category => "category",
            Self::Value => "value",
            Self::Image => "image",
            Self::Direction => "direction",
            Self::List => "list",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Content<'_> {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Object(_) => Kind::Object,
            Self::Category(_) => Kind::Category,
            Self::Value(_) => Kind::Value,
            Self::Image(_) => Kind::Image,
            Self::Direction(_) => Kind::Direction,
            Self::List(_) => Kind::List,
        }
    }
}

impl Quantity<'_> {
    /// "2.3". A half is rounded away from zero, as SQL's `round` does; formatting alone would make 2.2 of 2.25.
    pub fn write_digits(&self, out: &mut String) {
        use std::fmt::Write;
        let steps = 10_f64.powi(i32::from(self.decimals));
        let rounded = (self.value * steps).round() / steps;
        // Writing to a text cannot fail.
        let _ = write!(out, "{:.*}", usize::from(self.decimals), rounded);
    }

    /// "2.3 metres", "1 metre".
    pub fn write(&self, out: &mut String) {
        let start = out.len();
        self.write_digits(out);
        if self.unit.is_empty() {
            return;
        }
        let one = &out[start..] == "1";
        let word = UNITS.iter().find(|(symbol, ..)| *symbol == self.unit);
        out.push(' ');
        out.push_str(word.map_or(self.unit, |(_, singular, plural)| if one { singular } else { plural }));
    }
}

/// "first" for 0. Images are few; those beyond the twelfth are "the 13th".
pub fn write_ordinal(index: u32, out: &mut String) {
    const WORDS: [&str; 12] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
        "twelfth",
    ];
    match WORDS.get(index as usize) {
        Some(word) => out.push_str(word),
        None => {
            let n = u64::from(index) + 1;
            let ending = match (n % 10, n % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            out.push_str(&n.to_string());
            out.push_str(ending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_and_places_are_said() {
        let said = |value, unit, decimals| {
            let mut out = String::new();
            Quantity { value, unit, decimals }.write(&mut out);
            out
        };
        assert_eq!(said(2.34, "m", 1), "2.3 metres");
        assert_eq!(
            [said(2.25, "m", 1), said(4.75, "m", 1), said(0.5, "cm", 0)],
            ["2.3 metres", "4.8 metres", "1 centimetre"]
        );
        assert_eq!(said(1.0, "m", 0), "1 metre");
        assert_eq!(said(1.0, "m", 1), "1.0 metres");
        assert_eq!(said(35.2, "paces", 0), "35 paces");
        assert_eq!(said(3.0, "", 0), "3");
        let place = |index| {
            let mut out = String::new();
            write_ordinal(index, &mut out);
            out
        };
        assert_eq!([0, 1, 12, 20, 21, 110].map(place), ["first", "second", "13th", "21st", "22nd", "111th"]);
    }
}
