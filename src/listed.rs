//! Lists that people keep of scenes and images, one a line, in the forms that their tools write.
//!
//! ```text
//! scene0025_00                     an id
//! val2017/000000000139.jpg         a path: `./`, `../`, a drive, `\` between parts and quotes around it mean nothing
//! 3f2a..e1                         the SHA-256 of a file, in either case
//! 3f2a..e1  000000000139.jpg       as `sha256sum` writes it, with one blank and a `*` or two blanks; and its siblings md5sum, sha1sum
//! SHA256 (000000000139.jpg) = 3f.. as BSD's tools write it
//! # a remark                       nothing; a name that begins so is written in quotes
//! ```

/// What a line says. Both are there where it says both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Lower-case hexadecimal.
    pub sha256: Option<String>,
    /// `/` between parts, none of which is empty, `.` or `..`.
    pub path: Option<String>,
    /// The path begins at the root of a machine, which may be another one.
    pub is_absolute: bool,
}

/// The lines that say something, each with its number, counted from 1, and as it stands there.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str, Listed)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().enumerate().filter_map(|(at, line)| {
        let line = line.trim();
        let said = !line.is_empty() && !line.starts_with('#');
        said.then(|| (at + 1, line, listed(line)))
    })
}

fn listed(line: &str) -> Listed {
    let line = unquoted(line);
    if is_sha256(line) {
        return Listed { sha256: Some(line.to_ascii_lowercase()), ..Listed::default() };
    }
    let summed = checksum_first(line).or_else(|| of_bsd(line)).or_else(|| checksum_last(line));
    let (sum, name) = summed.unwrap_or(("", line.to_owned()));
    let sha256 = is_sha256(sum).then(|| sum.to_ascii_lowercase());
    let name = unquoted(&name);
    Listed { sha256, path: path(name), is_absolute: is_absolute(name) }
}

/// Without the quotes around it, and the comma behind it, of a list that was cut out of JSON, Python or a table.
fn unquoted(text: &str) -> &str {
    let text = text.trim().trim_end_matches([',', ';']).trim_end();
    for (open, close) in [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            return inner.trim();
        }
    }
    text
}

/// `3f2a..e1  name`, `3f2a..e1 *name`; a name with a `\` or a line's end in it is escaped, which a `\` before all says.
fn checksum_first(line: &str) -> Option<(&str, String)> {
    let (escaped, rest) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let (sum, name) = rest.split_at_checked(rest.find([' ', '\t', ','])?)?;
    let name = name.trim_start_matches([' ', '\t', ',']);
    let name = name.strip_prefix('*').unwrap_or(name);
    let name = if escaped { name.replace("\\n", "\n").replace("\\\\", "\\") } else { name.to_owned() };
    (is_sum(sum) && !name.is_empty()).then_some((sum, name))
}

/// `name  3f2a..e1`, and the same in a table.
fn checksum_last(line: &str) -> Option<(&str, String)> {
    let (name, sum) = line.rsplit_once([' ', '\t', ','])?;
    let name = name.trim_end_matches([' ', '\t', ',']);
    (is_sum(sum) && !name.is_empty()).then(|| (sum, name.to_owned()))
}

/// `SHA256 (name) = 3f2a..e1`.
fn of_bsd(line: &str) -> Option<(&str, String)> {
    let (rest, sum) = line.rsplit_once(") = ")?;
    let (kind, name) = rest.split_once(" (")?;
    (is_sum(sum) && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .then(|| (sum, name.to_owned()))
}

/// `/home/me/a.jpg`, `~/a.jpg`, `C:\a.jpg`, `s3://bucket/a.jpg`.
fn is_absolute(text: &str) -> bool {
    let is_drive = matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    text.starts_with(['/', '\\', '~']) || text.contains("://") || is_drive
}

fn path(text: &str) -> Option<String> {
    let mut parts: Vec<_> =
        text.split(['/', '\\']).map(str::trim).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let is_drive = |part: &&str| matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    if parts.first().is_some_and(is_drive) {
        parts.remove(0);
    }
    let path = parts.join("/");
    (!path.is_empty()).then_some(path)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && is_sum(text)
}

/// Of 128 bits or more.
fn is_sum(text: &str) -> bool {
    matches!(text.len(), 32..=128) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, sha256: bool, path: Option<&str>) {
        let sum = "3f".repeat(32);
        let line = line.replace("SUM", &sum.to_uppercase()).replace("sum", &sum);
        let expected = (sha256.then_some(sum), path.map(str::to_owned));
        let found: Vec<_> = lines(&line).map(|(_, _, listed)| (listed.sha256, listed.path)).collect();
        assert_eq!(found, [expected], "{line}");
    }

    #[test]
    fn a_path_may_begin_at_a_machines_root() {
        for (line, expected) in [
            ("/home/me/a.jpg", true),
            ("\"C:\\me\\a.jpg\"", true),
            ("~/a.jpg", true),
            ("s3://bucket/a.jpg", true),
            ("d41d8cd98f00b204e9800998ecf8427e  /x/a.jpg", true),
            ("./a.jpg", false),
            ("a/b.jpg", false),
            ("c:a.jpg", false),
        ] {
            assert_eq!(lines(line).next().map(|(_, _, listed)| listed.is_absolute), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_line_says_the_same_in_every_form() {
        check("sum", true, None);
        check("  \"SUM\",", true, None);
        check("\u{feff}SUM\r\n", true, None);
        for line in [
            "sum  a b.jpg",
            "sum *a b.jpg",
            "SUM a b.jpg",
            "sum\t./a b.jpg",
            "SHA256 (a b.jpg) = sum",
            "a b.jpg,sum",
            "\"a b.jpg\" SUM",
            "sum, 'a b.jpg'",
        ] {
            check(line, true, Some("a b.jpg"));
        }
        for line in [
            "x/a b.jpg",
            "'./x//a b.jpg',",
            "\\x\\a b.jpg",
            "“x/a b.jpg”",
            "d41d8cd98f00b204e9800998ecf8427e  x/a b.jpg",
        ] {
            check(line, false, Some("x/a b.jpg"));
        }
        check("C:\\data\\a.jpg", false, Some("data/a.jpg"));
        check("\\sum  x\\\\a.jpg", true, Some("x/a.jpg"));
        check("\"#1.jpg\"", false, Some("#1.jpg"));
        check("living room & kitchen (2).jpg", false, Some("living room & kitchen (2).jpg"));
        check("scene0025_00", false, Some("scene0025_00"));
        let none: Vec<_> = lines("# sum\n\n   \n#1.jpg\n").collect();
        assert!(none.is_empty(), "{none:?}");
        assert_eq!(lines("# x\n\na\n").next().map(|(number, line, _)| (number, line)), Some((3, "a")));
    }
}
