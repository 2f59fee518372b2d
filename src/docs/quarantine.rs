//! `docs/quarantine.md`: every code of the table `quarantine`, with what to do about it.

use crate::tables::QUARANTINE_CODES;

/// The page.
pub fn page() -> String {
    let mut body = String::from(
        "What cannot be used is a row of the table `quarantine`, with a code that says why, a message with the values, the file, and what is lost \
         with it: an image, a record, or nothing. Where more than `max_quarantined` of a source is lost, a build publishes nothing and exits with 3.\n\n\
         ```sh\nspatialmill sql \"SELECT source, code, loss, count(*) AS n, min(message) AS example FROM quarantine GROUP BY source, code, loss ORDER BY n DESC\"\n```",
    );
    for (heading, codes) in QUARANTINE_CODES {
        body += &format!(
            "\n\n## {}\n\n| code | what is wrong | what to do |\n|---|---|---|\n",
            super::sentence(heading).trim_end_matches('.')
        );
        let rows: Vec<String> = codes
            .iter()
            .map(|code| format!("| `{}` | {} | {} |", code.name, super::cell(code.doc), super::cell(code.advice)))
            .collect();
        body += &rows.join("\n");
    }
    super::page("Quarantine codes", &body)
}
