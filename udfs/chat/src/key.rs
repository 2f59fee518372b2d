//! The API key. It goes into one header and nowhere else: not into `Debug`, an error or a log.

use std::env;
use std::fmt;

use reqwest::header::HeaderValue;

use crate::endpoint::EndpointError;

/// A key, or none for a server that asks for none.
#[derive(Clone, Default)]
pub struct Key(Option<String>);

impl Key {
    /// A server without a key.
    pub fn none() -> Self {
        Self(None)
    }

    /// A key that is at hand. Blanks around it are dropped, because files and secret stores end in a line break.
    pub fn new(key: &str) -> Result<Self, EndpointError> {
        let key = key.trim();
        // What a header may carry; what is wrong with it is not quoted.
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Key(
                "the key is empty, or has characters that are no printable ASCII".to_owned(),
            ));
        }
        Ok(Self(Some(key.to_owned())))
    }

    /// The key in the environment variable `name`.
    pub fn from_env(name: &str) -> Result<Self, EndpointError> {
        let value = env::var_os(name).ok_or_else(|| {
            EndpointError::Key(format!("the environment variable `{name}`, which `key_env` names, is not set"))
        })?;
        let value = value.to_str().unwrap_or_default();
        Self::new(value).map_err(|_| {
            let why = "is empty, or has characters that are no printable ASCII";
            EndpointError::Key(format!("the key in the environment variable `{name}` {why}"))
        })
    }

    /// `Authorization: Bearer ..`, marked so that the client's own traces leave it out too.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0.as_ref()?)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// A server's text without the key, which some repeat in their errors. Where the text was cut, as much of its end is
    /// left out as could be the beginning of a key.
    pub(crate) fn strip(&self, text: &str, cut: bool) -> String {
        let Some(key) = &self.0 else { return text.to_owned() };
        // JSON may write a slash with a backslash.
        let escaped = key.replace('/', "\\/");
        let mut text = text.replace(key, "***").replace(&escaped, "***");
        if cut {
            text.truncate(text.floor_char_boundary(text.len().saturating_sub(escaped.len())));
        }
        text
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Key(***)" } else { "Key(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" sk-se/cret\n").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.header()), "Key(***) Some(Sensitive)");
        assert_eq!(key.strip(r#"bad: sk-se/cret, "sk-se\/cret""#, false), r#"bad: ***, "***""#);
        assert_eq!(key.strip("a bad key: sk-se/c", true), "a bad k");
        assert_eq!(key.strip("a bad key: sk-se/cret, or", true), "a bad k");
        assert_eq!(Key::none().strip("as it is", true), "as it is");
    }

    #[test]
    fn what_is_no_key_is_refused_unquoted() {
        for wrong in ["", "  ", "two words", "schlüssel", "a\nb"] {
            let error = Key::new(wrong).unwrap_err().to_string();
            assert!(wrong.trim().is_empty() || !error.contains(wrong), "{error}");
        }
        // Cargo sets this one.
        assert!(Key::from_env("CARGO_PKG_NAME").unwrap().header().is_some());
        let error = Key::from_env("SPATIALMILL_NO_SUCH_KEY").unwrap_err().to_string();
        assert!(error.contains("SPATIALMILL_NO_SUCH_KEY"), "{error}");
    }
}
