//! Quarantine codes: every code under which readers, functions and models quarantine, with what it means and what to do about it.
//!
//! `docs/quarantine.md` and what a refused build says are derived from this list; [`Unusable::new`](super::Unusable::new) checks it in tests, and a test holds
//! it against the code. A stage of a project's own may have codes of its own.

/// A code, as the column `code` of the table `quarantine` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineCode {
    pub name: &'static str,
    /// What is wrong.
    pub doc: &'static str,
    /// What to do about it, or why nothing need be done.
    pub advice: &'static str,
}

const fn code(name: &'static str, doc: &'static str, advice: &'static str) -> QuarantineCode {
    QuarantineCode { name, doc, advice }
}

/// Every code, under a heading that says of what.
pub const QUARANTINE_CODES: &[(&str, &[QuarantineCode])] = &[
    (
        "files and folders",
        &[
            code(
                "missing_file",
                "a file that a record names is not there",
                "copy it there; `missing_images = \"keep\"` where only annotations are wanted",
            ),
            code(
                "path",
                "a name or a key that is no path below the root: a link that leads out, `..`, an empty part, no UTF-8, too long",
                "rename it, or copy the file to where the link leads; `follow_links = true` follows links that lead out",
            ),
            code(
                "unreadable",
                "it may not be read, is too large, is no file, or is no text",
                "look at its permissions, and at what it is",
            ),
            code("format", "a photo of a format that is not read", "convert it to JPEG or PNG"),
            code(
                "tar",
                "a tar that breaks off, or a member that is a link or not in one piece",
                "fetch or pack the archive again",
            ),
            code(
                "member",
                "members of a tar that are neither photos nor words beside one",
                "nothing, where they are not wanted; told, and no loss",
            ),
            code("parquet", "a Parquet file that cannot be read", "fetch it again"),
            code(
                "column",
                "a column of a Parquet file that options name is not there or of another type",
                "name the right column in the source's options",
            ),
            code(
                "no_bytes",
                "a row of a Parquet file that has no bytes of an image",
                "fetch the data set with its images",
            ),
            code("sens", "a recording (.sens) that is damaged or is none", "fetch it again, or export its frames"),
            code("mesh", "a mesh that cannot be read", "fetch it again; it must be PLY with triangles"),
            code(
                "house",
                "a .house file that is none, or a record of one that breaks off or contradicts another",
                "fetch it again; the message says which line",
            ),
        ],
    ),
    (
        "records",
        &[
            code(
                "json",
                "JSON that breaks off, or a record without a field that it needs or with one of another type",
                "mend the file; the message says where and what",
            ),
            code(
                "section",
                "a section or a field of a JSON file that is not known",
                "nothing, where it is not wanted; told, and no loss",
            ),
            code("duplicate", "a record, file or box that is there twice; the first one is used", "remove one of them"),
            code("key", "the key of a photo or the name of a scene is null, empty or no name", "give it a key"),
            code(
                "no_frame",
                "what is said of an image that is not there or cannot be used",
                "add the image; the code of the image itself says why it cannot be used",
            ),
            code(
                "category",
                "the category is empty, or nothing says which one it is",
                "name it in the list of categories or instances",
            ),
            code(
                "caption",
                "a caption that is none, too long or one too many",
                "nothing; the object is used without it",
            ),
            code(
                "markup",
                "markup of a conversation that is not closed, or whose boxes are no numbers",
                "mend what writes it; the other boxes of the conversation are used",
            ),
            code("licence", "a licence that is no text, or has no name", "name it, or set `licence` of the source"),
            code(
                "split",
                "a split that is neither train, val nor test, or a list of splits that contradicts another",
                "correct it, or set `split` of the source",
            ),
            code("score", "a score that is not between 0 and 1", "scale what writes it"),
            code(
                "timestamp",
                "a line of timestamps that cannot be read, or that an image has none in",
                "correct the line",
            ),
            code(
                "instance",
                "an image of ids that is of another size or type, or that is not read",
                "write ids as instance/<n>.png: 8 or 16 bits of grey, or a palette, of the image's size",
            ),
            code(
                "segments",
                "the segments of a mesh are not one whole number a vertex",
                "fetch the segmentation of this very mesh",
            ),
            code(
                "link",
                "links of a navigation graph that lead from a place to itself, or one way only",
                "nothing; the first are left out, the others used as they are",
            ),
            code(
                "missing_object",
                "objects are missing in a scene's list: numbers are left out, or more or fewer boxes are there than were counted",
                "fetch the list again, unless they were removed on purpose",
            ),
        ],
    ),
    (
        "images, masks and boxes",
        &[
            code(
                "image",
                "an image that cannot be decoded, or is of another size than is said of it",
                "fetch it again; where it was changed, import again",
            ),
            code(
                "mask",
                "a mask that cannot be decoded, is empty, or is of another size than its image",
                "mend what writes it",
            ),
            code(
                "box",
                "a box of no area, of no numbers, or outside its image; of a model: no box in the picture",
                "mend what writes it; the model's own box is lost alone",
            ),
            code(
                "box3d",
                "a 3D box that is none: its corners, lengths or turn contradict each other",
                "mend what writes it; `import --kind` says in which order corners stand",
            ),
            code(
                "depth",
                "a depth image that is missing, cannot be read, or is of another size",
                "fetch it again; `depth_scale` says how many units a metre has",
            ),
            code("no_depth", "a depth image without any reading", "nothing; the frame is used without depth"),
        ],
    ),
    (
        "cameras and worlds",
        &[
            code(
                "intrinsics",
                "intrinsics that are none, or of another image than theirs",
                "correct them; `intrinsics_size` says of which size they are",
            ),
            code(
                "pose",
                "a pose that is no rigid motion, or none where one is needed",
                "correct it: camera to world, 4x4, row by row",
            ),
            code(
                "tracking",
                "a pose that is not finite: the recorder lost track there",
                "nothing; the frame is left out, and no loss",
            ),
            code("gravity", "a gravity vector that is none", "correct it: down, in the camera's axes"),
            code("alignment", "the matrix that turns a scan upright is none", "correct axisAlignment of the scan"),
            code(
                "world",
                "nobody says which way is up, or the boxes of a scan are not where its mesh has things",
                "set `world_up`, or write gravity.txt; of a scan, put the mesh and <id>.txt of that very scan there",
            ),
            code(
                "camera",
                "intrinsics of which no camera can be made; of a model: its estimate is none",
                "correct them, or leave them out: `fov_degrees` is taken then; of a model, another one",
            ),
            code("bad_camera", "intrinsics with which depth makes no place in space", "correct them"),
            code("surface", "triangles that are none", "import the scan again"),
        ],
    ),
    (
        "networks",
        &[
            code(
                "model_failed",
                "the runtime failed on this picture",
                "look at the message; a smaller `batch` where memory ran out",
            ),
            code(
                "shape",
                "an output of another shape than the family's",
                "the family or the weights in models.toml are not those that belong together",
            ),
            code(
                "not_finite",
                "an output that has a NaN or an infinity",
                "other weights, or a provider with more exact arithmetic",
            ),
            code(
                "label",
                "a class that the model's labels do not name, or a name that is none",
                "give the list of labels that the weights were trained with",
            ),
            code(
                "depth_range",
                "readings that cannot be metres, or are all the same",
                "`min_depth_m` and `max_depth_m` of the model; photos of nothing have no depth",
            ),
            code("empty_mask", "no pixel of the mask lies near its box", "nothing; the object is used without a mask"),
            code("full_mask", "the mask is nearly the whole picture", "nothing; the object is used without a mask"),
        ],
    ),
    (
        "chat models",
        &[
            code("vlm_json", "the answer is no JSON", "ask the server for JSON, or allow more tokens"),
            code("vlm_schema", "the answer is JSON of another form", "a model that follows a schema"),
            code("vlm_reply", "the server's reply has no answer", "look at the server's log"),
            code("vlm_refused", "the model or the server's filter refused", "nothing, or another model"),
            code("vlm_truncated", "the answer was cut off", "a larger `max_tokens` of the model's endpoint"),
            code("vlm_bytes", "the reply is longer than any answer is", "look at what the server is"),
            code(
                "vlm_http",
                "the server answered with an error",
                "look at the message; `build --force captioned` (or detected) asks again",
            ),
            code(
                "vlm_limited",
                "the server said too often that too much is asked at a time",
                "a lower `requests_per_minute` or `in_flight` of the model's endpoint",
            ),
            code("vlm_timeout", "the server did not answer in time", "a longer `timeout_s` of the model's endpoint"),
            code(
                "vlm_connect",
                "the server could not be reached",
                "start it; `build --force captioned` (or detected) asks again",
            ),
            code("vlm_broken", "the connection broke off", "`build --force captioned` (or detected) asks again"),
            code(
                "vlm_label",
                "an object of the answer has no name that could be one",
                "nothing; the object is lost alone",
            ),
            code("vlm_box", "a box of the answer is none in the picture", "nothing; the object is lost alone"),
            code("vlm_same", "an object of the answer is there twice", "nothing; the first one is used"),
            code("vlm_too_many", "the answer has more objects than may be", "nothing; the first ones are used"),
        ],
    ),
];

/// What is known of a code.
pub fn quarantine_code(name: &str) -> Option<&'static QuarantineCode> {
    QUARANTINE_CODES.iter().flat_map(|(_, codes)| *codes).find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                rust_files(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("quarantine_codes.rs") {
                found.push(path);
            }
        }
    }

    /// The code of the tree, without its tests.
    fn tree() -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["src", "udfs/geometry/src", "udfs/models/src", "udfs/chat/src"] {
            rust_files(&root.join(folder), &mut files);
        }
        let code =
            |path: PathBuf| std::fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned();
        files.into_iter().map(code).collect()
    }

    #[test]
    fn codes_are_listed_once_and_used() {
        let tree = tree();
        let mut names = BTreeSet::new();
        for code in QUARANTINE_CODES.iter().flat_map(|(_, codes)| *codes) {
            assert!(names.insert(code.name), "{} is listed twice", code.name);
            assert!(!code.doc.is_empty() && !code.advice.is_empty(), "{}", code.name);
            // `vlm_` is put before the codes of single objects of an answer.
            let own = code.name.strip_prefix("vlm_").unwrap_or(code.name);
            assert!(
                [code.name, own].iter().any(|name| tree.contains(&format!("\"{name}\""))),
                "{} is no code",
                code.name
            );
        }
    }

    /// What is not written where the reason is made (a constant, a code that is handed on) is checked when it is made.
    #[test]
    fn codes_that_are_used_are_listed() {
        let tree = tree();
        let mut used = BTreeSet::new();
        for call in ["Unusable::new(", "InvalidOutput::new(", "AnswerError::new("] {
            for (at, _) in tree.match_indices(call) {
                let argument = tree[at + call.len()..].trim_start().strip_prefix('"');
                used.extend(argument.and_then(|rest| rest.split('"').next()));
            }
        }
        assert!(used.len() > 40, "{used:?}");
        // The client of chat models hands the codes of single objects on without `vlm_`.
        let is_listed =
            |name: &str| quarantine_code(name).or_else(|| quarantine_code(&format!("vlm_{name}"))).is_some();
        let unlisted: Vec<_> = used.iter().filter(|name| !name.starts_with("phrase_") && !is_listed(name)).collect();
        assert!(unlisted.is_empty(), "not in QUARANTINE_CODES: {unlisted:?}");
    }
}
