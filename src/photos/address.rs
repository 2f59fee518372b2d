//! Where the bytes of a photo are, as a frame's `uri` says it: a URL whose fragment goes on where the file is not the photo itself.
//!
//! ```text
//! s3://b/cat.jpg                                        the file
//! s3://b/000001.tar#bytes=512-93183&name=cat.jpg        a range of it, both ends included as in HTTP
//! s3://b/train-0.parquet#column=image&row=17&name=17.png   a value of a column: bytes, or the `bytes` of a struct
//! ..&turned=6                                           the orientation that EXIF states, 2 to 8: to be turned upright
//! ..&disparity=473.57                                   of depth: the file has disparity; baseline times focal length, metres times pixels
//! ```
//!
//! `name` is what the photo is called where the file's own name does not say it. Names are percent-encoded as in a query.

use std::borrow::Cow;
use std::ops::Range;

use url::form_urlencoded;

use crate::error::{Error, Result};

/// A photo's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The file, without a fragment.
    pub file: String,
    pub part: PhotoPart,
    /// What the photo is called inside its file.
    pub name: Option<String>,
    /// As in EXIF, 1 to 8; 1 is upright.
    pub orientation: u8,
    /// Where the file has the disparity of a pair of cameras in place of depth: their baseline times their focal length, metres times pixels.
    pub disparity: Option<f64>,
}

/// Which part of a file is the photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhotoPart {
    Whole,
    /// The end is not included.
    Bytes(Range<u64>),
    /// A row of the file, counted from 0 through all its row groups.
    Cell {
        column: String,
        row: u64,
    },
}

impl Address {
    /// A file that is a photo.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), part: PhotoPart::Whole, name: None, orientation: 1, disparity: None }
    }

    /// What a `uri` says. What is no URL is a path, and a path has no fragment.
    pub fn parse(uri: &str) -> Result<Self> {
        let Some((file, fragment)) = uri.split_once('#').filter(|(file, _)| file.contains("://")) else {
            return Ok(Self::file(uri));
        };
        let refused = |why: String| Error::input(format!("not the place of a photo: {why}")).with("uri", uri);
        let mut address = Self::file(file);
        let (mut bytes, mut column, mut row) = (None, None, None);
        for (key, value) in form_urlencoded::parse(fragment.as_bytes()) {
            match key.as_ref() {
                "bytes" => bytes = Some(range(&value).ok_or_else(|| refused(format!("`{value}` is no range")))?),
                "column" => column = Some(value.into_owned()),
                "row" => row = Some(value.parse().map_err(|_| refused(format!("`{value}` is no row")))?),
                "name" => address.name = Some(value.into_owned()),
                "turned" => {
                    let turned = value.parse().ok().filter(|turned| (1..=8).contains(turned));
                    address.orientation = turned.ok_or_else(|| refused(format!("`{value}` is no orientation")))?;
                }
                "disparity" => {
                    let product = value.parse().ok().filter(|product: &f64| *product > 0.0 && product.is_finite());
                    address.disparity =
                        Some(product.ok_or_else(|| refused(format!("`{value}` is no baseline times focal length")))?);
                }
                _ => return Err(refused(format!("`{key}` is not known"))),
            }
        }
        address.part = match (bytes, column, row) {
            (None, None, None) => PhotoPart::Whole,
            (Some(range), None, None) => PhotoPart::Bytes(range),
            (None, Some(column), Some(row)) => PhotoPart::Cell { column, row },
            _ => return Err(refused("it takes `bytes`, or `column` and `row`".to_owned())),
        };
        Ok(address)
    }

    /// What the photo is called: `cat.jpg`.
    pub fn file_name(&self) -> Cow<'_, str> {
        let name = self.name.as_deref().unwrap_or(&self.file);
        let last = name.rsplit('/').next().unwrap_or_default();
        match &self.name {
            Some(_) => Cow::Borrowed(last),
            None => percent_decoded(last.split('?').next().unwrap_or_default()),
        }
    }
}

impl Address {
    /// Where it lies, as people write it: the file's path, and behind it what the photo is called inside. `file:`, a host and a bucket are
    /// parts of it.
    pub fn path(&self) -> String {
        let file = self.file.split('?').next().unwrap_or_default();
        let parts = file.split('/').filter(|part| !part.is_empty()).map(percent_decoded);
        let name = self.name.iter().flat_map(|name| name.split('/')).filter(|part| !part.is_empty()).map(Cow::Borrowed);
        parts.chain(name).collect::<Vec<_>>().join("/")
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        match &self.part {
            PhotoPart::Whole => {}
            // An empty range has no end that could be included; nobody makes one.
            PhotoPart::Bytes(range) => {
                pairs.append_pair("bytes", &format!("{}-{}", range.start, range.end.saturating_sub(1)));
            }
            PhotoPart::Cell { column, row } => {
                pairs.append_pair("column", column).append_pair("row", &row.to_string());
            }
        }
        if let Some(name) = &self.name {
            pairs.append_pair("name", name);
        }
        if self.orientation != 1 {
            pairs.append_pair("turned", &self.orientation.to_string());
        }
        if let Some(product) = self.disparity {
            pairs.append_pair("disparity", &product.to_string());
        }
        let fragment = pairs.finish();
        f.write_str(&self.file)?;
        if fragment.is_empty() { Ok(()) } else { write!(f, "#{fragment}") }
    }
}

fn range(text: &str) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let end = last.checked_add(1)?;
    (first < end).then_some(first..end)
}

/// A part of a URL's path as text.
fn percent_decoded(part: &str) -> Cow<'_, str> {
    // What means something in a query stands for itself in a path.
    let text = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    match form_urlencoded::parse(text.as_bytes()).next() {
        Some((decoded, _)) => Cow::Owned(decoded.into_owned()),
        None => Cow::Borrowed(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_is_read() {
        for uri in [
            "file:///a/cat.jpg",
            "file:///a/cat.jpg#turned=6",
            "s3://b/000001.tar#bytes=512-93183&name=a%2Fcat.left.jpg",
            "s3://b/t.parquet#column=my+image&row=17&name=17.png&turned=3",
        ] {
            assert_eq!(Address::parse(uri).unwrap().to_string(), uri);
        }
        let cell = Address::parse("s3://b/t.parquet#column=my+image&row=17").unwrap();
        assert_eq!(cell.part, PhotoPart::Cell { column: "my image".to_owned(), row: 17 });
        assert_eq!(Address::parse("s3://b/a.tar#bytes=512-513").unwrap().part, PhotoPart::Bytes(512..514));
        assert_eq!(Address::parse("photos/a#1.jpg").unwrap(), Address::file("photos/a#1.jpg"));
    }

    #[test]
    fn a_photo_has_a_name() {
        for (uri, name) in [
            ("file:///a/my%20cat+1.jpg#turned=6", "my cat+1.jpg"),
            ("file:///a/a=b&c.jpg", "a=b&c.jpg"),
            ("file:///a/a%20room%20&%20b=%231.jpg", "a room & b=#1.jpg"),
            ("s3://b/1.tar#bytes=1-2&name=a%2Fcat.png", "cat.png"),
            ("s3://b/1.tar#bytes=1-2", "1.tar"),
        ] {
            assert_eq!(Address::parse(uri).unwrap().file_name(), name);
        }
        for (uri, path) in [
            ("file:///a/my%20cat+1.jpg#turned=6", "file:/a/my cat+1.jpg"),
            ("s3://b/1.tar#bytes=1-2&name=a%2Fcat.png", "s3:/b/1.tar/a/cat.png"),
        ] {
            assert_eq!(Address::parse(uri).unwrap().path(), path);
        }
    }

    #[test]
    fn a_hostile_fragment_is_refused() {
        for fragment in [
            "bytes=5",
            "bytes=5-4",
            "bytes=-1-4",
            "bytes=0-18446744073709551615",
            "column=a",
            "row=1",
            "column=a&row=-1",
            "column=a&row=1&bytes=1-2",
            "turned=9",
            "turned=0",
            "page=3",
        ] {
            let error = Address::parse(&format!("file:///a#{fragment}")).unwrap_err();
            assert!(error.to_string().contains("not the place of a photo"), "{error}");
        }
    }
}
