//! Values of a JSON record in the forms that people's tools write them in: strict about what is meant, liberal about how it is put.
//!
//! | meant        | taken                                                                                    |
//! |--------------|------------------------------------------------------------------------------------------|
//! | a number     | `4`, `4.0`, `"4"`, `true` and `false` as 1 and 0; `null`, `NaN` and `Infinity` are none   |
//! | yes or no    | `true`, `1`, `1.0`, `"1"`, `"true"` and their opposites; `null` is neither                |
//! | some numbers | a list of such, however it is nested: `[[1, 2], [3, 4]]` is 1, 2, 3, 4                    |
//!
//! Two fields of one name stay a fault: that is what two records look like that ran into one. Fields that nobody asks for are passed over.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::source::json::cutter::{self, Event};
use crate::tables::Unusable;
use crate::text;

/// A record. `NaN` and `Infinity`, which Python writes and JSON does not have, are read as `null`. Code: `json`.
pub fn record<T: DeserializeOwned>(json: &[u8]) -> Result<T, Unusable> {
    serde_json::from_slice(json).or_else(|strict| match without_non_finite(json) {
        Cow::Owned(finite) => serde_json::from_slice(&finite).map_err(|e| Unusable::new("json", e.to_string())),
        Cow::Borrowed(_) => Err(Unusable::new("json", strict.to_string())),
    })
}

/// A small file that is one object, in any encoding that text files come in. `shape` is what it should be. Code: `json`.
pub fn file<T: DeserializeOwned>(bytes: &[u8], shape: &str) -> Result<T, Unusable> {
    let refused = |what: &str| Unusable::new("json", format!("{what}; it should be {shape}"));
    let text = text::decode(bytes).map_err(|why| Unusable::new("json", why))?;
    match text.trim_start().as_bytes() {
        [] => Err(refused("the file is empty")),
        [b'[', ..] => Err(refused("the file is a list")),
        [b'{', ..] => record(text.as_bytes()).map_err(|why| refused(&why.message)),
        _ if text.trim() == "null" => Err(refused("the file says null")),
        _ => Err(refused("the file is no JSON object")),
    }
}

/// The elements of the list `section` of such a file, each to be read on its own, so that a bad one costs only itself. Code: `json`.
pub fn elements(bytes: &[u8], section: &'static str) -> Result<Vec<Vec<u8>>, Unusable> {
    let text = text::decode(bytes).map_err(|why| Unusable::new("json", why))?;
    let (mut elements, mut broken) = (Vec::new(), None);
    let cut = cutter::cut(text.as_bytes(), &[section], |event| {
        match event {
            Event::Record { json, .. } => elements.push(json.to_vec()),
            Event::Oversized { bytes, .. } => {
                broken.get_or_insert(format!("an element of `{section}` has {bytes} bytes, which is too long"));
            }
            Event::Broken { offset, message } => drop(broken.get_or_insert(format!("{message}, at byte {offset}"))),
            Event::Skipped { .. } => {}
        }
        Ok(())
    });
    match (cut, broken) {
        (Ok(()), None) => Ok(elements),
        (Ok(()), Some(why)) => Err(Unusable::new("json", why)),
        (Err(e), _) => Err(Unusable::new("json", e.to_string())),
    }
}

/// The text with `null` for each number that is none, in any of the spellings that printers of numbers have.
fn without_non_finite(json: &[u8]) -> Cow<'_, [u8]> {
    let mut finite = Vec::new();
    let (mut kept, mut at, mut in_text) = (0, 0, false);
    while at < json.len() {
        match json[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'+' | b'a'..=b'z' | b'A'..=b'Z' if !in_text => {
                let more = json[at + 1..].iter().position(|byte| !byte.is_ascii_alphabetic());
                let end = more.map_or(json.len(), |more| at + 1 + more);
                let word = json[at..end].strip_prefix(b"-").or(json[at..end].strip_prefix(b"+"));
                let word = word.unwrap_or(&json[at..end]);
                if ["nan", "inf", "infinity"].iter().any(|none| word.eq_ignore_ascii_case(none.as_bytes())) {
                    finite.extend_from_slice(&json[kept..at]);
                    finite.extend_from_slice(b"null");
                    kept = end;
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    finite.extend_from_slice(&json[kept..]);
    Cow::Owned(finite)
}

/// A number; not finite where the record has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Number {
    /// The number, where there is one.
    pub fn given(number: Option<Self>) -> Option<f64> {
        number.map(|number| number.0).filter(|number| number.is_finite())
    }

    /// A whole number that is the only one of its value: from 2^53 on, numbers skip some.
    pub fn whole(self) -> Option<i64> {
        (self.0.fract() == 0.0 && self.0.abs() < 9_007_199_254_740_992.0).then_some(self.0 as i64)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_bool<E: Error>(self, one: bool) -> Result<Number, E> {
                Ok(Number(f64::from(u8::from(one))))
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(f64::NAN))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.trim().parse().map(Number).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// Yes or no; none where the record says neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("0 or 1, false or true")
            }

            fn visit_bool<E: Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(Some(flag)))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Flag, E> {
                match number {
                    0.0 => Ok(Flag(Some(false))),
                    1.0 => Ok(Flag(Some(true))),
                    other => Err(E::invalid_value(serde::de::Unexpected::Float(other), &self)),
                }
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
                self.visit_f64(number as f64)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Flag, E> {
                self.visit_f64(number as f64)
            }

            fn visit_unit<E: Error>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text.trim() {
                    "" => Ok(Flag(None)),
                    word if word.eq_ignore_ascii_case("false") => Ok(Flag(Some(false))),
                    word if word.eq_ignore_ascii_case("true") => Ok(Flag(Some(true))),
                    other => other.parse::<f64>().map_err(E::custom).and_then(|number| self.visit_f64(number)),
                }
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// Numbers in their order, from a list of them, a list of such lists, or a single one. None of them for `null`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers(pub Vec<f64>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Adds what it meets to a list.
        struct Collect<'a>(&'a mut Vec<f64>);
        impl<'de> serde::de::DeserializeSeed<'de> for Collect<'_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_any(self)
            }
        }
        impl<'de> Visitor<'de> for Collect<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
                while list.next_element_seed(Collect(&mut *self.0))?.is_some() {}
                Ok(())
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
                self.0.push(number);
                Ok(())
            }

            fn visit_bool<E: Error>(self, one: bool) -> Result<(), E> {
                self.visit_f64(f64::from(u8::from(one)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
                self.visit_f64(number as f64)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
                self.visit_f64(number as f64)
            }

            fn visit_unit<E: Error>(self) -> Result<(), E> {
                self.visit_f64(f64::NAN)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
                let number = text.trim().parse::<f64>();
                number
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
                    .and_then(|number| self.visit_f64(number))
            }
        }
        let mut numbers = Vec::new();
        deserializer.deserialize_any(Collect(&mut numbers))?;
        Ok(Self(numbers))
    }
}

impl Numbers {
    /// Exactly so many numbers.
    pub fn exactly<const N: usize>(&self) -> Result<[f64; N], String> {
        self.0.as_slice().try_into().map_err(|_| format!("{} numbers, not {N}", self.0.len()))
    }
}

/// The fields of an object in their order, all of them where several have one name.
#[derive(Debug, Clone, Default)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = object.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

/// A text; numbers are what they are written as, for names that are numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A field that costs nothing where it is of another type than it should be.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Perhaps<T> {
    Given(T),
    Other(IgnoredAny),
}

impl<T> Perhaps<T> {
    /// The value, where it is of the right type.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Other(_) => None,
        }
    }

    /// The value of a field, where there is one of the right type.
    pub fn given(field: &Option<Self>) -> Option<&T> {
        field.as_ref().and_then(Self::value)
    }
}

/// A length in pixels, where the record gives one. Code: `image`.
pub fn side(field: Option<Number>) -> Result<Option<u32>, Unusable> {
    match Number::given(field) {
        None => Ok(None),
        // As converters write it that did not look.
        Some(side) if side <= 0.0 => Ok(None),
        Some(side) if side.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&side) => Ok(Some(side as u32)),
        Some(side) => Err(Unusable::new("image", format!("an image with a side of {side} pixels cannot be"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_in_any_form() {
        for json in ["4", "4.0", "4e0", "\"4\"", "\" 4.0 \""] {
            assert_eq!(record::<Number>(json.as_bytes()).unwrap(), Number(4.0), "{json}");
        }
        assert_eq!(record::<Number>(b"true").unwrap(), Number(1.0));
        for json in ["null", "NaN", "-Infinity", "nan", "+inf", "\"nan\""] {
            assert_eq!(Number::given(record(json.as_bytes()).unwrap()), None, "{json}");
        }
        for json in ["[]", "{}", "\"four\"", "\"\"", "NaNa", "nul"] {
            assert!(record::<Number>(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn a_flag_is_taken_in_any_form() {
        for (json, expected) in [
            ("0", Some(false)),
            ("0.0", Some(false)),
            ("\"0\"", Some(false)),
            ("false", Some(false)),
            ("\"False\"", Some(false)),
            ("1", Some(true)),
            ("1.0", Some(true)),
            ("true", Some(true)),
            ("\"1.0\"", Some(true)),
            ("null", None),
            ("NaN", None),
            ("\"\"", None),
        ] {
            assert_eq!(record::<Flag>(json.as_bytes()).unwrap(), Flag(expected), "{json}");
        }
        for json in ["2", "-1", "0.5", "\"yes\"", "[]"] {
            assert!(record::<Flag>(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn numbers_are_taken_from_lists_of_any_shape() {
        for (json, expected) in [
            ("[1, 2.0, \"3\"]", &[1.0, 2.0, 3.0][..]),
            ("[[1, 2], [3, [4]]]", &[1.0, 2.0, 3.0, 4.0]),
            ("-1", &[-1.0]),
            ("[]", &[]),
        ] {
            assert_eq!(record::<Numbers>(json.as_bytes()).unwrap().0, expected, "{json}");
        }
        assert!(record::<Numbers>(b"[1, NaN]").unwrap().0[1].is_nan());
        for json in ["[1, \"wide\"]", "{}", "[1, {}]"] {
            assert!(record::<Numbers>(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn a_file_that_is_no_object_says_what_it_should_be() {
        let read = |bytes: &[u8]| file::<Entries<Number>>(bytes, "{..}").map(|entries| entries.0);
        let utf16: Vec<u8> = "\u{feff}{\"a\": \"1\", \"a\": NaN}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&utf16, "\u{feff} {\"a\": true, \"a\": null}".as_bytes()] {
            let entries = read(bytes).unwrap();
            assert!(entries.len() == 2 && entries[0] == ("a".to_owned(), Number(1.0)) && entries[1].1.0.is_nan());
        }
        for (bytes, what) in [
            (&b" \n"[..], "is empty"),
            (b"[{}]", "is a list"),
            (b" null\n", "says null"),
            (b"\"x\"", "no JSON object"),
            (b"{\"a\": 1", "EOF"),
            (b"{\"a\": []}", "expected a number"),
        ] {
            let why = read(bytes).unwrap_err().message;
            assert!(why.contains(what) && why.ends_with("it should be {..}"), "{why}");
        }
        let parts = elements(b"{\"n\": 1, \"of\": [{\"a\": NaN}, [2], 3]}", "of").unwrap();
        assert_eq!(parts, [&b"{\"a\": NaN}"[..], b"[2]", b"3"]);
        assert!(elements(b"{\"of\": [1", "of").is_err());
    }

    #[test]
    fn only_numbers_that_are_none_are_replaced() {
        let read = |json: &str| record::<serde_json::Value>(json.as_bytes()).map(|value| value.to_string()).ok();
        let text = r#"{"a NaN": "NaN \" Infinity", "b": [NaN, -Infinity, Infinity, 1]}"#;
        assert_eq!(read(text).unwrap(), r#"{"a NaN":"NaN \" Infinity","b":[null,null,null,1]}"#);
        for json in ["{\"a\": nope}", "{\"a\": NaN", "NaN NaN", "[-]", "\"NaN"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
