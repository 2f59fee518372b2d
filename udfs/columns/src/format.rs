//! The instruction formats by name: how a text refers to objects, and what is drawn on an image.
//!
//! Which of them go together, and what each needs, is data: `queries/6_format/formats.sql`.

/// How a text refers to objects (InternSpatial, section 3.1, "Extending instruction formats").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextFormat {
    /// the red chair
    #[default]
    Natural,
    /// the `<ref>`red chair`</ref>`
    RefCaption,
    /// the `<ref>`region`</ref><box>`1`</box>`
    RefRegionBox,
    /// the `<ref>`red chair`</ref><box>`1`</box>`
    RefCaptionBox,
    /// the object in the blue box, object 2
    Mark,
}

/// What is drawn on an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageFormat {
    #[default]
    Original,
    Boxes,
    Masks,
    Numbers,
}

impl TextFormat {
    pub const ALL: [Self; 5] = [Self::Natural, Self::RefCaption, Self::RefRegionBox, Self::RefCaptionBox, Self::Mark];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::RefCaption => "ref_caption",
            Self::RefRegionBox => "ref_region_box",
            Self::RefCaptionBox => "ref_caption_box",
            Self::Mark => "mark",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether its text writes boxes.
    pub fn writes_boxes(self) -> bool {
        matches!(self, Self::RefRegionBox | Self::RefCaptionBox)
    }
}

impl ImageFormat {
    pub const ALL: [Self; 4] = [Self::Original, Self::Boxes, Self::Masks, Self::Numbers];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Boxes => "boxes",
            Self::Masks => "masks",
            Self::Numbers => "numbers",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What its marks are, for the column `marks`.
    pub fn mark_kind(self) -> Option<&'static str> {
        match self {
            Self::Original => None,
            Self::Boxes => Some("box"),
            Self::Masks => Some("mask"),
            Self::Numbers => Some("number"),
        }
    }
}
