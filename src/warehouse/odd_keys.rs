//! Keys of a bucket that are no paths: with an empty part (`a//b`), a part `.` or `..`, or a control character.
//!
//! A bucket takes any key, and the object store's client fails a whole listing for one key that it cannot parse. Here the responses of
//! listings are rewritten: such a key gets a `MARK`, which makes it a path that no other key has; readers recognise it by [`is_odd`],
//! report it, and go on. Folder markers, keys that end with `/` and have no content, are no files and are left out.

use async_trait::async_trait;
use bytes::Bytes;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService, ReqwestConnector,
};

/// A noncharacter of Unicode: it stands in no text that is meant for others.
const MARK: char = '\u{fdd0}';

/// True for what a listing shows in place of a key that is no path.
pub fn is_odd(path: &str) -> bool {
    path.contains(MARK)
}

/// The key, for people.
pub fn shown(path: &str) -> String {
    path.replace(MARK, "")
}

/// Connects as usual, and puts listings right.
#[derive(Debug, Default)]
pub struct Connector(ReqwestConnector);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Listings(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct Listings(HttpClient);

#[async_trait]
impl HttpService for Listings {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut query = request.uri().query().unwrap_or_default().split('&');
        let lists = request.method().as_str() == "GET" && query.any(|pair| pair == "list-type=2");
        let response = self.0.execute(request).await?;
        if !lists || !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let listing = body.bytes().await?;
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(nameable(listing))))
    }
}

/// The listing, with a path for each key.
fn nameable(listing: Bytes) -> Bytes {
    let Ok(text) = std::str::from_utf8(&listing) else { return listing };
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside, end, after)) = next_element(rest) {
        changed.push_str(before);
        match end {
            OBJECT => {
                let key = element(inside, "<Key>", "</Key>");
                let empty = element(inside, "<Size>", "</Size>") == Some("0");
                match key {
                    Some(key) if key.ends_with('/') && empty => {}
                    Some(key) => changed += &format!("<Contents>{}{OBJECT}", inside.replacen(key, &path_of(key), 1)),
                    None => changed += &format!("<Contents>{inside}{OBJECT}"),
                }
            }
            // Folders are looked at for those that we made, which have names.
            _ => {
                let folder = element(inside, "<Prefix>", "</Prefix>").unwrap_or_default();
                let plain = folder.strip_suffix('/').unwrap_or(folder);
                if path_of(plain) == plain {
                    changed += &format!("<CommonPrefixes>{inside}{end}");
                }
            }
        }
        rest = after;
    }
    changed.push_str(rest);
    Bytes::from(changed)
}

const OBJECT: &str = "</Contents>";
const FOLDER: &str = "</CommonPrefixes>";

/// What is before the next object or folder, what is inside it, its end tag, and what is behind it.
fn next_element(text: &str) -> Option<(&str, &str, &'static str, &str)> {
    let objects = text.find("<Contents>").map(|at| (at, "<Contents>", OBJECT));
    let folders = text.find("<CommonPrefixes>").map(|at| (at, "<CommonPrefixes>", FOLDER));
    let (at, start, end) = objects.into_iter().chain(folders).min()?;
    let (inside, after) = text[at + start.len()..].split_once(end)?;
    Some((&text[..at], inside, end, after))
}

fn element<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
}

/// A key as XML has it, with a mark in each part that a path cannot have.
fn path_of(key: &str) -> String {
    let parts = key.split('/').map(|part| {
        let plain = without_controls(part);
        let odd = matches!(part, "" | "." | "..") || plain.is_some();
        let part = plain.as_deref().unwrap_or(part);
        if odd { format!("{MARK}{part}") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The part with its control characters spelled, or none where it has none. XML refers to most of them by number.
fn without_controls(part: &str) -> Option<String> {
    let mut spelled = String::new();
    let mut found = false;
    let mut rest = part;
    while let Some(c) = rest.chars().next() {
        let reference = rest.strip_prefix("&#").and_then(|number| number.split_once(';'));
        let referred = reference.and_then(|(number, after)| {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            Some((char::from_u32(number.ok()?)?, after))
        });
        let (c, after) = referred.filter(|(c, _)| c.is_ascii_control()).unwrap_or((c, &rest[c.len_utf8()..]));
        if c.is_ascii_control() {
            found = true;
            spelled += &format!("\\x{:02x}", u32::from(c));
        } else {
            spelled.push(c);
        }
        rest = after;
    }
    found.then_some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::path::Path;

    fn listed(keys: &[(&str, u64)]) -> Vec<String> {
        let objects =
            keys.iter().map(|(key, size)| format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"));
        let whole = format!("<ListBucketResult><Prefix>d/</Prefix>{}</ListBucketResult>", objects.collect::<String>());
        let text = String::from_utf8(nameable(whole.into()).to_vec()).unwrap();
        assert!(text.starts_with("<ListBucketResult><Prefix>d/</Prefix>") && text.ends_with("</ListBucketResult>"));
        text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_key_has_a_path_and_says_whether_it_is_one() {
        let plain = ["d/a.jpg", "d/a#1?~[%25]+ .jpg", "d/&amp;.jpg", "d/...jpg", "ü"];
        let keys: Vec<_> = plain.iter().map(|key| (*key, 5)).collect();
        assert_eq!(listed(&keys), plain);
        for (key, said) in [
            ("d//x.jpg", "d//x.jpg"),
            ("/x.jpg", "/x.jpg"),
            ("d/../x.jpg", "d/../x.jpg"),
            ("d/./x.jpg", "d/./x.jpg"),
            ("d/a&#x1;b&#10;c.jpg", "d/a\\x01b\\x0ac.jpg"),
            ("d/full/", "d/full/"),
        ] {
            let [path] = &listed(&[(key, 5)])[..] else { panic!("{key}") };
            assert!(is_odd(Path::parse(path).unwrap().as_ref()), "{path:?}");
            assert_eq!(shown(path), said);
        }
    }

    #[test]
    fn markers_of_folders_are_passed_over() {
        assert_eq!(listed(&[("d/", 0), ("d/a.jpg", 0), ("d/e//", 0), ("d/b.jpg", 1)]), ["d/a.jpg", "d/b.jpg"]);
        let folders = "<CommonPrefixes><Prefix>d//</Prefix></CommonPrefixes><CommonPrefixes><Prefix>d/e/</Prefix></CommonPrefixes>";
        let left = nameable(Bytes::from(folders));
        assert_eq!(&left[..], b"<CommonPrefixes><Prefix>d/e/</Prefix></CommonPrefixes>");
    }
}
