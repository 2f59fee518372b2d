//! The input size of a network: the one that the network declares, or the one that its entry in models.toml states.

use super::{InvalidModel, Signature};
use crate::Size;

/// Sides above this are a mistake; the largest networks of today take 1,536.
const MAX_SIDE: usize = 16_384;

/// Sides of an input [n, 3, height, width]; none where the network takes any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    pub height: Option<u32>,
    pub width: Option<u32>,
}

/// What a network declares for its picture.
pub(crate) fn sides(signature: &Signature, role: &str) -> Result<Sides, InvalidModel> {
    let Some(shape) = signature.inputs.get(role) else { return Ok(Sides { height: None, width: None }) };
    let [_, channels, height, width] = shape.as_slice() else {
        return Err(InvalidModel(format!("`{role}` must be [n, 3, height, width], not of {} axes", shape.len())));
    };
    if channels.is_some_and(|channels| channels != 3) {
        return Err(InvalidModel(format!("`{role}` must have 3 channels, not {}", channels.unwrap_or_default())));
    }
    Ok(Sides { height: side(role, *height)?, width: side(role, *width)? })
}

fn side(role: &str, declared: Option<usize>) -> Result<Option<u32>, InvalidModel> {
    match declared {
        None => Ok(None),
        // Fits: 16,384 at the most.
        Some(side) if (1..=MAX_SIDE).contains(&side) => Ok(Some(side as u32)),
        Some(side) => {
            Err(InvalidModel(format!("`{role}` has a side of {side} pixels, which is not between 1 and {MAX_SIDE}")))
        }
    }
}

/// The one size, where `stated` is the parameter `size = [height, width]`.
pub(crate) fn image_size(signature: &Signature, role: &str, stated: Option<[u32; 2]>) -> Result<Size, InvalidModel> {
    let declared = sides(signature, role)?;
    if let Some(sides) = stated {
        for asked in sides {
            side(role, Some(asked as usize))?;
        }
    }
    let choose = |declared: Option<u32>, stated: Option<u32>| match (declared, stated) {
        (Some(declared), Some(stated)) if declared != stated => {
            Err(InvalidModel(format!("`size` says {stated} where the network's `{role}` takes {declared}")))
        }
        (None, None) => {
            Err(InvalidModel(format!("the network's `{role}` takes any size; say which with `size = [height, width]`")))
        }
        (declared, stated) => Ok(declared.or(stated).unwrap_or_default()),
    };
    let height = choose(declared.height, stated.map(|[height, _]| height))?;
    let width = choose(declared.width, stated.map(|[_, width]| width))?;
    Ok(Size { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &[Option<usize>], stated: Option<[u32; 2]>) -> Result<Size, InvalidModel> {
        let signature = Signature { inputs: [("image".to_owned(), shape.to_vec())].into(), ..Signature::default() };
        image_size(&signature, "image", stated)
    }

    #[test]
    fn the_network_or_the_entry_says() {
        let size = Size { width: 20, height: 10 };
        assert_eq!(check(&[None, Some(3), Some(10), Some(20)], None), Ok(size));
        assert_eq!(check(&[None, None, None, None], Some([10, 20])), Ok(size));
        assert_eq!(check(&[None, None, Some(10), None], Some([10, 20])), Ok(size));
    }

    #[test]
    fn refuses_what_cannot_be_a_picture() {
        assert!(check(&[None, Some(3), Some(10)], None).is_err());
        assert!(check(&[None, Some(1), Some(10), Some(20)], None).is_err());
        assert!(check(&[None, Some(3), Some(0), Some(20)], None).is_err());
        assert!(check(&[None, Some(3), Some(10), Some(20)], Some([20, 10])).is_err());
        assert!(check(&[None, Some(3), None, None], None).is_err());
        assert!(check(&[None, Some(3), None, None], Some([0, 5])).is_err());
    }
}
