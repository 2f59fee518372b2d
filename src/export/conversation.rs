//! Where images stand in what a person says.

/// The place of an image, in every dialect.
pub const IMAGE: &str = "<image>";

/// What the person says: the images, numbered where there are several, and the question.
///
/// One image is `<image>` on a line of its own, as all trainers have it; several are `Image-1: <image>`, as InternVL's documents do.
pub fn human(images: usize, question: &str) -> String {
    match images {
        0 => question.to_owned(),
        1 => format!("{IMAGE}\n{question}"),
        n => {
            let mut text = String::new();
            for image in 1..=n {
                text += &format!("Image-{image}: {IMAGE}\n");
            }
            text + question
        }
    }
}

/// The question of what a person says, and how many images it has: the inverse of [`human`]. `None` where they do not stand so.
pub fn question(human: &str) -> Option<(usize, &str)> {
    if let Some(question) = human.strip_prefix("<image>\n") {
        return (!question.contains(IMAGE)).then_some((1, question));
    }
    let (mut images, mut rest) = (0, human);
    while let Some(more) = rest.strip_prefix(&format!("Image-{}: {IMAGE}\n", images + 1)) {
        (images, rest) = (images + 1, more);
    }
    (!rest.contains(IMAGE) && images != 1).then_some((images, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for images in 0..4 {
            let said = human(images, "Where is it?\nA. here");
            assert_eq!(said.matches(IMAGE).count(), images);
            assert_eq!(question(&said), Some((images, "Where is it?\nA. here")));
        }
        assert_eq!(question("<image>\n<image>\nWhere?"), None);
        assert_eq!(question("Where <image> is it?"), None);
    }
}
