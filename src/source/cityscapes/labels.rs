//! Cityscapes' labels: which of them are things that are told apart, and what a value of an instance image is.

/// Labels with instances, by their ids. All others are stuff, as roads are, or void.
const THINGS: &[(u16, &str)] = &[
    (24, "person"),
    (25, "rider"),
    (26, "car"),
    (27, "truck"),
    (28, "bus"),
    (29, "caravan"),
    (30, "trailer"),
    (31, "train"),
    (32, "motorcycle"),
    (33, "bicycle"),
];

/// What a value of an instance image or a label of a polygon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thing {
    /// Of the label, times 1000 where it is one of several.
    pub id: u16,
    pub category: &'static str,
    /// Several of them that nobody told apart.
    pub is_group: bool,
}

/// Of a value of an instance image: 1000 times the label's id and a number, or the label's id alone for a group; none for stuff.
///
/// Out of range is what no label has.
pub fn of_value(value: u16) -> Result<Option<Thing>, u16> {
    let label = if value < 1000 { value } else { value / 1000 };
    let thing = THINGS.iter().find(|(id, _)| *id == label);
    match thing {
        Some((_, category)) => Ok(Some(Thing { id: value, category, is_group: value < 1000 })),
        // 33 is the largest.
        None if value < 1000 && label <= 33 => Ok(None),
        None => Err(label),
    }
}

/// Of a polygon's label: `car`, `cargroup`; none for stuff.
pub fn of_label(label: &str) -> Option<Thing> {
    let (name, is_group) = label.strip_suffix("group").map_or((label, false), |name| (name, true));
    let (id, category) = THINGS.iter().find(|(_, thing)| *thing == name)?;
    Some(Thing { id: if is_group { *id } else { id * 1000 }, category, is_group })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_labels_are_things_groups_or_stuff() {
        let of = |value| of_value(value).map(|thing| thing.map(|thing| (thing.category, thing.is_group)));
        assert_eq!(of(26_003), Ok(Some(("car", false))));
        assert_eq!(of(26), Ok(Some(("car", true))));
        assert_eq!((of(7), of(0), of(33)), (Ok(None), Ok(None), Ok(Some(("bicycle", true)))));
        assert_eq!((of(999), of(7_000), of(65_535)), (Err(999), Err(7), Err(65)));
        assert_eq!(of_label("persongroup").map(|thing| (thing.id, thing.category)), Some((24, "person")));
        assert_eq!(of_label("rider").map(|thing| (thing.id, thing.is_group)), Some((25_000, false)));
        assert_eq!((of_label("polegroup"), of_label("road"), of_label("license plate")), (None, None, None));
    }
}
