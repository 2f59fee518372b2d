//! Takes secrets out of texts that people and logs will see.
//!
//! URLs turn up in errors of ours and of every library below us, so that one place, the printing of an [`Error`](crate::error::Error),
//! hides what they must not say: user names and passwords before the host, and parameters that sign or open something.

use std::borrow::Cow;

/// What stands in a secret's place.
const HIDDEN: &str = "***";

/// Endings of parameters whose values open something.
const SECRET: [&str; 8] = ["signature", "credential", "token", "password", "secret", "api_key", "apikey", "sig"];

/// The text without the secrets of the URLs in it.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>')).unwrap_or(after.len());
        said.push_str(before);
        said.push_str(&without_secrets(&after[..end]));
        rest = &after[end..];
    }
    said.push_str(rest);
    Cow::Owned(said)
}

/// `address` is what follows `://`.
fn without_secrets(address: &str) -> String {
    let (mut said, rest) = match user_end(address) {
        Some(end) => (HIDDEN.to_owned(), &address[end..]),
        None => (String::new(), address),
    };
    for (i, piece) in rest.split_inclusive(['?', '&']).enumerate() {
        let (value, separator) = match piece.strip_suffix(['?', '&']) {
            Some(value) => (value, &piece[value.len()..]),
            None => (piece, ""),
        };
        match value.split_once('=') {
            Some((name, _)) if i > 0 && is_secret(name) => {
                said.extend([name, "=", HIDDEN]);
            }
            _ => said.push_str(value),
        }
        said.push_str(separator);
    }
    said
}

/// Where the `@` stands that ends a user name and password.
fn user_end(address: &str) -> Option<usize> {
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    authority.rfind('@').or_else(|| {
        // A password with a slash in it, which nobody escaped: what follows the colon is no port.
        let (_, port) = authority.rsplit_once(':')?;
        let is_port = port.chars().all(|c| c.is_ascii_digit()) || authority.ends_with(']');
        if is_port { None } else { address.rfind('@') }
    })
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else_is() {
        for (text, said) in [
            ("no answer from http://me:pw@host:9/x", "no answer from http://***@host:9/x"),
            ("s3://bucket/a@2x.png", "s3://bucket/a@2x.png"),
            ("https://u:p@w@h/x?a=1", "https://***@h/x?a=1"),
            ("https://u:p/w@h:1/x", "https://***@h:1/x"),
            ("error for url (http://token@[::1]:9/)", "error for url (http://***@[::1]:9/)"),
            ("http://[::1]/a@b", "http://[::1]/a@b"),
            (
                "s3://b/k?X-Amz-Credential=AK/1&X-Amz-Date=2&X-Amz-Signature=ff",
                "s3://b/k?X-Amz-Credential=***&X-Amz-Date=2&X-Amz-Signature=***",
            ),
            ("`http://a:b@c` and `http://d:e@f`", "`http://***@c` and `http://***@f`"),
            ("a row's key=1&token=2, mail me@x.org", "a row's key=1&token=2, mail me@x.org"),
        ] {
            assert_eq!(redacted(text), said);
        }
    }
}
