//! The markup of All-Seeing V2: which words of a text mean which boxes.
//!
//! ```text
//! a tall red <ref>bus</ref><box>[[290, 201, 835, 850]]</box> is <pred>driving on</pred><box>[[..]]</box><box>[[..]]</box> a road
//!                 words         one box, or more                  of a relation: its subjects and its objects, which are not read
//! ```

/// What a text says of boxes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Markup {
    pub grounded: Vec<Grounding>,
    /// What is wrong with it, a sentence each.
    pub broken: Vec<String>,
    /// How many words are marked without a box.
    pub without_box: usize,
}

/// Words and the boxes that they mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounding {
    /// Empty for a box that stands alone.
    pub words: String,
    /// x0, y0, x1, y1 in the text's own units.
    pub boxes: Vec<[f64; 4]>,
}

const TAGS: [&str; 6] = ["<ref>", "</ref>", "<pred>", "</pred>", "<box>", "</box>"];

impl Markup {
    /// Of one turn of a conversation.
    pub fn read(text: &str) -> Self {
        let mut markup = Self::default();
        let mut rest = text;
        while let Some((tag, after)) = next_tag(rest) {
            rest = match tag {
                "<ref>" => markup.reference(after),
                "<pred>" => markup.relation(after),
                "<box>" => {
                    let (boxes, after) = markup.boxes(after);
                    markup.push("", boxes);
                    after
                }
                _ => {
                    markup.broken.push(format!("`{tag}` without its beginning"));
                    after
                }
            };
        }
        markup
    }

    /// Behind `<ref>`: words, their end, boxes.
    fn reference<'a>(&mut self, text: &'a str) -> &'a str {
        let Some((words, after, tag)) = until_tag(text).filter(|(.., tag)| matches!(*tag, "</ref>" | "</pred>")) else {
            self.broken.push(format!("`<ref>` is not closed before `{}`", beginning(text)));
            return text;
        };
        let Some(list) = after.trim_start().strip_prefix("<box>") else {
            self.without_box += 1;
            return after;
        };
        let (boxes, after) = self.boxes(list);
        self.push(words.trim(), boxes);
        // As models write it that took the object for a relation: its objects follow.
        match after.trim_start().strip_prefix("<box>") {
            Some(list) if tag == "</pred>" => self.boxes(list).1,
            _ => after,
        }
    }

    /// Behind `<pred>`: words, their end, subjects, objects.
    fn relation<'a>(&mut self, text: &'a str) -> &'a str {
        let Some((_, mut after, _)) = until_tag(text).filter(|(.., tag)| *tag == "</pred>") else {
            self.broken.push(format!("`<pred>` is not closed before `{}`", beginning(text)));
            return text;
        };
        for _ in 0..2 {
            if let Some(list) = after.trim_start().strip_prefix("<box>") {
                after = self.boxes(list).1;
            }
        }
        after
    }

    /// Behind `<box>`: a list of boxes, one without the outer list, or an empty list.
    fn boxes<'a>(&mut self, text: &'a str) -> (Vec<[f64; 4]>, &'a str) {
        let Some((list, after, _)) = until_tag(text).filter(|(.., tag)| *tag == "</box>") else {
            self.broken.push(format!("`<box>` is not closed before `{}`", beginning(text)));
            return (Vec::new(), text);
        };
        let many = serde_json::from_str::<Vec<[f64; 4]>>(list);
        match many.or_else(|_| serde_json::from_str::<[f64; 4]>(list).map(|one| vec![one])) {
            Ok(boxes) => (boxes, after),
            Err(_) => {
                self.broken.push(format!("`{}` is no list of boxes [[x0, y0, x1, y1], ..]", beginning(list)));
                (Vec::new(), after)
            }
        }
    }

    fn push(&mut self, words: &str, boxes: Vec<[f64; 4]>) {
        if !boxes.is_empty() {
            self.grounded.push(Grounding { words: words.to_owned(), boxes });
        }
    }
}

/// The next tag and what is behind it.
fn next_tag(text: &str) -> Option<(&'static str, &str)> {
    until_tag(text).map(|(_, after, tag)| (tag, after))
}

/// What stands before the next tag, what behind it, and the tag.
fn until_tag(text: &str) -> Option<(&str, &str, &'static str)> {
    text.match_indices('<').find_map(|(at, _)| {
        let tag = TAGS.into_iter().find(|tag| text[at..].starts_with(tag))?;
        Some((&text[..at], &text[at + tag.len()..], tag))
    })
}

/// As much of a text as a message has room for.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(40)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grounded(text: &str) -> Vec<(String, usize)> {
        let markup = Markup::read(text);
        assert_eq!(markup.broken, [] as [&str; 0], "{text}");
        markup.grounded.into_iter().map(|Grounding { words, boxes }| (words, boxes.len())).collect()
    }

    #[test]
    fn words_have_the_boxes_behind_them() {
        let text = "A <ref>bus</ref><box>[[290, 201, 835, 850]]</box> is <pred>on</pred><box>[[290,201,835,850]]</box> \
                    <box>[[0, 603, 984, 998]]</box> a road with <ref> cars </ref> <box>[[1,2,3,4],[5,6,7,8.5]]</box>";
        assert_eq!(grounded(text), [("bus".to_owned(), 1), ("cars".to_owned(), 2)]);
        assert_eq!(Markup::read(text).grounded[1].boxes[1], [5.0, 6.0, 7.0, 8.5]);
        assert_eq!(grounded("What is <box>[1, 2, 3, 4]</box>? <image>\n1 < 2"), [(String::new(), 1)]);
        assert_eq!(
            grounded("holding two <ref>remotes</pred><box>[[1,2,3,4]]</box><box>[]</box> and"),
            [("remotes".to_owned(), 1)]
        );
        assert_eq!(Markup::read("a <ref>dog</ref> and <ref>cat</ref><box>[]</box>").without_box, 1);
    }

    #[test]
    fn markup_that_is_broken_says_where() {
        for (text, expected) in [
            ("a <ref>dog<box>[[1,2,3,4]]</box>", "`<ref>` is not closed before `dog<box>"),
            ("a <ref>dog", "`<ref>` is not closed"),
            ("a dog</ref><box>[[1,2,3,4]]</box>", "`</ref>` without its beginning"),
            ("<ref>dog</ref>[[1,2,3,4]]</box>", "`</box>` without its beginning"),
            ("<ref>dog</ref><box>[[1,2,3,4]]", "`<box>` is not closed"),
            ("<ref>dog</ref><box>[[1,2,3]]</box>", "is no list of boxes"),
            ("<ref>dog</ref><box>[[1,2,3,1e999]]</box>", "is no list of boxes"),
            ("<pred>on<box>[[1,2,3,4]]</box>", "`<pred>` is not closed"),
        ] {
            let broken = Markup::read(text).broken;
            assert!(broken.first().is_some_and(|said| said.contains(expected)), "{text}: {broken:?}");
        }
    }
}
