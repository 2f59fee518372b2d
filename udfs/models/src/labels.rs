//! Class labels: the number of a class in, its name out.

use serde::Deserialize;

use crate::InvalidModel;

/// COCO's 80 names by their place, which is the class number of most detectors.
#[rustfmt::skip]
pub const COCO: [&str; 80] = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
];

/// COCO's own category numbers, 1-90, that no category has; detectors that count by them have classes there which they never give.
const COCO_GAPS: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The parameter `labels`: a name for a well-known list, or the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Labels {
    /// `coco`: 80 names. `coco_91`: by COCO's category numbers, of which 0 and ten more have no name.
    Known(String),
    Listed(Vec<String>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Known("coco".to_owned())
    }
}

impl Labels {
    /// By class number; empty where a number has no name.
    pub fn names(self) -> Result<Vec<String>, InvalidModel> {
        match self {
            Self::Listed(names) if names.is_empty() => {
                Err(InvalidModel("`labels` must name at least one class".to_owned()))
            }
            Self::Listed(names) => Ok(names),
            Self::Known(known) => match known.as_str() {
                "coco" => Ok(COCO.map(str::to_owned).to_vec()),
                "coco_91" => Ok(by_category_number()),
                _ => Err(InvalidModel(format!(
                    "`labels` must be \"coco\", \"coco_91\" or a list of names, not \"{known}\""
                ))),
            },
        }
    }
}

fn by_category_number() -> Vec<String> {
    let mut names = COCO.iter();
    (0..=90)
        .map(|number| if number == 0 || COCO_GAPS.contains(&number) { None } else { names.next() })
        .map(|name| name.copied().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_numbers_leave_gaps() {
        let names = Labels::Known("coco_91".to_owned()).names().unwrap();
        assert_eq!((names.len(), names.iter().filter(|name| name.is_empty()).count()), (91, 11));
        assert_eq!((&*names[1], &*names[13], &*names[90]), ("person", "stop sign", "toothbrush"));
    }

    #[test]
    fn refuses_unknown_lists() {
        assert!(Labels::Known("lvis".to_owned()).names().is_err());
        assert!(Labels::Listed(Vec::new()).names().is_err());
    }
}
