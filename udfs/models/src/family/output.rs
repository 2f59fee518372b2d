//! Checks of a network's output tensors: present, of the expected shape, all numbers finite.

use std::sync::Arc;

use crate::{InvalidOutput, Outputs, Size, Tensor};

/// An output without NaN and infinity.
pub(crate) fn finite<'a>(outputs: &'a Outputs, role: &str) -> Result<&'a Arc<Tensor>, InvalidOutput> {
    let tensor = outputs.get(role)?;
    // Without a way out in the middle, so that it runs in vectors.
    let wrong = tensor.data().iter().map(|number| usize::from(!number.is_finite())).sum::<usize>();
    if wrong > 0 {
        let message = format!("`{role}` has {wrong} of {} numbers that are not finite", tensor.data().len());
        return Err(InvalidOutput::new("not_finite", message));
    }
    Ok(tensor)
}

/// Of the shape [1, ...]; 0 stands for any length but none.
pub(crate) fn shaped<'a>(outputs: &'a Outputs, role: &str, shape: &[usize]) -> Result<&'a Arc<Tensor>, InvalidOutput> {
    let tensor = finite(outputs, role)?;
    let fits = |(own, asked): (&usize, &usize)| *own > 0 && (own == asked || *asked == 0);
    if tensor.shape().len() == shape.len() && tensor.shape().iter().zip(shape).all(fits) {
        return Ok(tensor);
    }
    let asked: Vec<String> =
        shape.iter().map(|side| if *side == 0 { "any".to_owned() } else { side.to_string() }).collect();
    Err(InvalidOutput::new("shape", format!("`{role}` must be [{}], not {:?}", asked.join(", "), tensor.shape())))
}

/// One number for each pixel: [1, h, w] or [1, 1, h, w].
pub(crate) fn map<'a>(outputs: &'a Outputs, role: &str) -> Result<(Size, &'a [f32]), InvalidOutput> {
    let tensor = finite(outputs, role)?;
    let (height, width) = match tensor.shape() {
        [1, height, width] | [1, 1, height, width] if *height > 0 && *width > 0 => (*height, *width),
        other => {
            return Err(InvalidOutput::new(
                "shape",
                format!("`{role}` must be [1, h, w] or [1, 1, h, w], not {other:?}"),
            ));
        }
    };
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) => Ok((Size { width, height }, tensor.data())),
        _ => Err(InvalidOutput::new("shape", format!("`{role}` of {width} x {height} is too large"))),
    }
}

/// One number for the picture: [1] or [1, 1].
pub(crate) fn number(outputs: &Outputs, role: &str) -> Result<f64, InvalidOutput> {
    let tensor = finite(outputs, role)?;
    match (tensor.shape(), tensor.data()) {
        ([1] | [1, 1], [number]) => Ok((*number).into()),
        (other, _) => Err(InvalidOutput::new("shape", format!("`{role}` must be [1] or [1, 1], not {other:?}"))),
    }
}
