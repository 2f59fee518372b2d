//! The colours of image files (sRGB, 8 bits) to light and back. Light is what textures are averaged, shaded and blended in.
//!
//! The curve's power of 2.4 is a square times the square of a fifth root, which Newton's method finds with nothing but
//! additions, multiplications and divisions: `powf` differs from machine to machine in its last bits, and so would pictures.

/// The light of an 8-bit colour, 0 to 1.
#[inline]
pub fn light(code: u8) -> f32 {
    LIGHT[usize::from(code)]
}

/// The 8-bit colour nearest to a light; what is beyond 0 to 1 is the darkest or the brightest, and NaN is dark.
#[inline]
pub fn code(light: f32) -> u8 {
    if light >= 1.0 {
        return u8::MAX;
    }
    // A cast of NaN is 0.
    let code = FROM[((light * STEPS as f32) as i32).max(0) as usize];
    // Below 255: the last step begins with a colour that is not the brightest one.
    code + u8::from(light >= LIMITS[usize::from(code)])
}

/// The light of every colour.
pub const LIGHT: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = curve(code as f64 / 255.0) as f32;
        code += 1;
    }
    table
};

/// From this light on a colour is the next one: the light between both, on the curve.
static LIMITS: [f32; 256] = {
    let mut table = [f32::INFINITY; 256];
    let mut code = 0;
    while code < 255 {
        table[code] = curve((code as f64 + 0.5) / 255.0) as f32;
        code += 1;
    }
    table
};

/// Equal steps of light, so many that none crosses two limits: where the curve is steepest, a step is 12.92 · 255 / 4096 = 0.8 of a colour.
const STEPS: usize = 4096;

/// The colour at the beginning of each step.
static FROM: [u8; STEPS] = {
    let mut table = [0; STEPS];
    let mut step = 0;
    let mut code = 0;
    while step < STEPS {
        while step as f64 / STEPS as f64 >= curve((code as f64 + 0.5) / 255.0) as f32 as f64 {
            code += 1;
        }
        table[step] = code as u8;
        step += 1;
    }
    table
};

/// IEC 61966-2-1.
const fn curve(colour: f64) -> f64 {
    if colour <= 0.04045 {
        return colour / 12.92;
    }
    let base = (colour + 0.055) / 1.055;
    let mut root = 1.0;
    let mut step = 0;
    // Seven get near from 1 to the root of the smallest, 0.09; the others settle the last bit.
    while step < 24 {
        let fourth = root * root * root * root;
        root -= (fourth * root - base) / (5.0 * fourth);
        step += 1;
    }
    base * base * root * root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_standards() {
        for code in 0..=255_u8 {
            let colour = f64::from(code) / 255.0;
            let power = if colour <= 0.04045 { colour / 12.92 } else { ((colour + 0.055) / 1.055).powf(2.4) };
            assert!((f64::from(light(code)) - power).abs() < 1e-7, "{code}");
        }
        assert_eq!((light(0), light(255)), (0.0, 1.0));
    }

    #[test]
    fn a_colour_survives_its_light() {
        assert!((0..=255).all(|one| code(light(one)) == one));
        assert_eq!([-1.0, f32::NAN, 1.5, f32::INFINITY].map(code), [0, 0, 255, 255]);
    }

    #[test]
    fn a_light_becomes_the_nearest_colour() {
        for step in 0..100_000 {
            let light = step as f32 / 100_000.0;
            let naive = LIMITS.iter().filter(|limit| light >= **limit).count();
            assert_eq!(usize::from(code(light)), naive);
        }
    }
}
