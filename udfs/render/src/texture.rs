//! Images on surfaces: the colour of a place in an image, averaged over what a pixel covers of it.
//!
//! ```text
//! image ─► levels, each half the size of the one before, averaged in light and weighted by opacity
//!
//! pixel's footprint ─► up to 4 looks along its longer side, in the level whose texels are nearest to them in size
//! ```

use crate::srgb;

/// An image on a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Texture {
    /// Which of the mesh's images.
    pub image: usize,
    /// What is left and right, and what is above and below the image.
    pub wrap: [Wrap; 2],
    pub magnified: Magnified,
}

/// What is between texels where a pixel is smaller than they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Magnified {
    #[default]
    Smooth,
    /// Sharp squares, as pixel art wants them.
    Squares,
}

/// An image with its smaller copies: 8 bytes a texel, and a third more for the copies.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    levels: Vec<Level>,
    is_opaque: bool,
}

/// Light of the codes of image files, in 65,535ths.
static LIGHT: [u16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = (srgb::LIGHT[code] * 65535.0 + 0.5) as u16;
        code += 1;
    }
    table
};

/// What is beyond the edges of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    #[default]
    Repeat,
    Mirror,
    /// The texels at the edge, for ever.
    Edge,
}

/// By how much the place in an image changes from a pixel to the next one on its right, and to the one below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Footprint {
    pub right: [f32; 2],
    pub below: [f32; 2],
}

#[derive(Debug, Clone, PartialEq)]
struct Level {
    width: u32,
    height: u32,
    /// Light of red, green and blue, and opacity, in 65,535ths; rows from the top. Twice the size of an image file's, and looked at without a table.
    texels: Vec<[u16; 4]>,
}

/// More looks than this are not taken along a footprint's longer side: what is seen at a flatter angle blurs.
const MAX_LOOKS: u8 = 4;

/// A look stands for a part of the footprint that is so many times longer than wide, at most.
const LONGER: f32 = 2.0;

/// Looks are so many texels apart, at most. A look is between texels and so reaches to its neighbours; a square footprint has one of its own size.
const SPREAD: f32 = 1.5;

impl Image {
    /// Of texels as image files have them: red, green, blue and opacity, rows from the top. `None` where there are none, or not
    /// `width · height` of them.
    ///
    /// ```
    /// use spatialmill_render::Image;
    /// assert!(Image::new(2, 1, vec![[255, 0, 0, 255], [0, 0, 255, 255]]).is_some());
    /// assert!(Image::new(2, 2, vec![[255, 0, 0, 255]]).is_none());
    /// ```
    pub fn new(width: u32, height: u32, texels: Vec<[u8; 4]>) -> Option<Self> {
        if texels.is_empty() || u64::from(width) * u64::from(height) != texels.len() as u64 {
            return None;
        }
        let is_opaque = texels.iter().all(|texel| texel[3] == u8::MAX);
        let whole = |[r, g, b, opacity]: [u8; 4]| {
            [LIGHT[r as usize], LIGHT[g as usize], LIGHT[b as usize], u16::from(opacity) * 257]
        };
        let texels = texels.into_iter().map(whole).collect();
        let mut levels = vec![Level { width, height, texels }];
        while let Some(next) = levels.last().and_then(Level::halved) {
            levels.push(next);
        }
        Some(Self { levels, is_opaque })
    }

    /// Without its finest copy, unless it is the only one.
    pub(crate) fn halved(mut self) -> Self {
        if self.levels.len() > 1 {
            self.levels.remove(0);
        }
        self
    }

    pub fn width(&self) -> u32 {
        self.levels[0].width
    }

    pub fn height(&self) -> u32 {
        self.levels[0].height
    }

    pub(crate) fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// Light of red, green and blue, and opacity.
    pub(crate) fn look(&self, texture: &Texture, place: [f32; 2], footprint: &Footprint) -> [f32; 4] {
        let size = [self.levels[0].width as f32, self.levels[0].height as f32];
        // Squares of lengths in texels are compared throughout.
        let square = |[x, y]: [f32; 2]| {
            let (x, y) = (x * size[0], y * size[1]);
            x * x + y * y
        };
        let (right, below) = (square(footprint.right), square(footprint.below));
        let (long, short, along) =
            if right >= below { (right, below, footprint.right) } else { (below, right, footprint.below) };
        // A NaN is small, too.
        let is_small = long.is_nan() || long <= 1.0;
        if is_small {
            return match texture.magnified {
                Magnified::Smooth => self.levels[0].smooth(texture.wrap, place),
                Magnified::Squares => self.levels[0].square(texture.wrap, place),
            };
        }
        // Texels are not seen any smaller than they are.
        let short = if short > 1.0 { short } else { 1.0 };
        let mut looks = 1_u8;
        while looks < MAX_LOOKS && long > short * (LONGER * f32::from(looks)) * (LONGER * f32::from(looks)) {
            looks += 1;
        }
        let share = 1.0 / f32::from(looks);
        let apart = long * (share / SPREAD) * (share / SPREAD);
        let level = self.level(if short > apart { short } else { apart });
        if looks == 1 {
            return level.smooth(texture.wrap, place);
        }
        let mut sum = [0.0; 4];
        for look in 0..looks {
            let there = (f32::from(look) + 0.5) * share - 0.5;
            let seen = level.smooth(texture.wrap, [place[0] + along[0] * there, place[1] + along[1] * there]);
            sum = std::array::from_fn(|channel| sum[channel] + seen[channel] * share);
        }
        sum
    }

    /// The level whose texels are nearest in size to those that have this square (1 or more) in the finest level: at most 1.5 times smaller or
    /// 1.33 times larger.
    fn level(&self, square: f32) -> &Level {
        // The exponent of a float is the power of two at or below it.
        let exponent = ((square * (1.0 / 2.25)).to_bits() >> 23) as usize;
        // From 1 to 4 times the square of 1.5 on it is the second level, from 4 to 16 the third, ...
        let level = if exponent < 127 { 0 } else { (exponent - 127) / 2 + 1 };
        &self.levels[level.min(self.levels.len() - 1)]
    }
}

impl Level {
    /// The texel at a place.
    fn square(&self, wrap: [Wrap; 2], place: [f32; 2]) -> [f32; 4] {
        let [x, y] = [wrap[0].within(place[0]) * self.width as f32, wrap[1].within(place[1]) * self.height as f32];
        self.texel(wrap[0].texel(floor(x), self.width), wrap[1].texel(floor(y), self.height))
    }

    #[inline]
    /// Between the four texels whose centres are round a place.
    fn smooth(&self, wrap: [Wrap; 2], place: [f32; 2]) -> [f32; 4] {
        let [x, y] =
            [wrap[0].within(place[0]) * self.width as f32 - 0.5, wrap[1].within(place[1]) * self.height as f32 - 0.5];
        let (column, row) = (floor(x), floor(y));
        let (left, right) = (wrap[0].texel(column, self.width), wrap[0].texel(column + 1, self.width));
        let (upper, lower) = (wrap[1].texel(row, self.height), wrap[1].texel(row + 1, self.height));
        let (across, down) = (x - column as f32, y - row as f32);
        let (upper, lower) = (upper * self.width as usize, lower * self.width as usize);
        let corners = [
            (self.texels[upper + left], (1.0 - across) * (1.0 - down)),
            (self.texels[upper + right], across * (1.0 - down)),
            (self.texels[lower + left], (1.0 - across) * down),
            (self.texels[lower + right], across * down),
        ];
        let mut sum = [0.0; 4];
        for (texel, weight) in corners {
            let weight = weight * (1.0 / 65535.0);
            sum = std::array::from_fn(|channel| sum[channel] + f32::from(texel[channel]) * weight);
        }
        sum
    }

    fn texel(&self, column: usize, row: usize) -> [f32; 4] {
        self.texels[row * self.width as usize + column].map(f32::from).map(|part| part * (1.0 / 65535.0))
    }

    /// Half as wide and high, rounded down; `None` of a single texel. A texel's colour is the average light of all that it covers.
    fn halved(&self) -> Option<Self> {
        if self.texels.len() == 1 {
            return None;
        }
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let (columns, rows) = (covered(self.width, width), covered(self.height, height));
        let mut texels = Vec::with_capacity(width as usize * height as usize);
        for (first_row, row_weights) in &rows {
            for (first_column, column_weights) in &columns {
                let (mut sum, mut opaque, mut plain, mut weights) = ([0.0; 3], 0.0, [0.0; 3], 0.0);
                for (row, row_weight) in (*first_row..).zip(row_weights) {
                    for (column, column_weight) in (*first_column..).zip(column_weights) {
                        let weight = row_weight * column_weight;
                        let [r, g, b, opacity] = self.texel(column, row);
                        for (channel, light) in [r, g, b].into_iter().enumerate() {
                            sum[channel] += light * opacity * weight;
                            plain[channel] += light * weight;
                        }
                        opaque += opacity * weight;
                        weights += weight;
                    }
                }
                // What cannot be seen has a colour, too, which shows at the edge of what can.
                let (sum, divisor) = if opaque > 0.0 { (sum, opaque) } else { (plain, weights) };
                let [r, g, b] = sum.map(|sum| sum / divisor);
                // A cast stays within what there is, also where rounding leaves it.
                texels.push([r, g, b, opaque / weights].map(|part| (part * 65535.0 + 0.5) as u16));
            }
        }
        Some(Self { width, height, texels })
    }
}

/// For each of `few` equal parts of a row of `many` texels: the first that it covers, and how much of it and of the next ones.
fn covered(many: u32, few: u32) -> Vec<(usize, Vec<f32>)> {
    let part = |index: u32| {
        // In units of 1 / few of a texel, so that all is whole numbers.
        let (many, few) = (u64::from(many), u64::from(few));
        let (start, end) = (u64::from(index) * many, (u64::from(index) + 1) * many);
        let weights = (start / few..end.div_ceil(few)).map(|texel| {
            let overlap = end.min((texel + 1) * few) - start.max(texel * few);
            overlap as f32 / few as f32
        });
        ((start / few) as usize, weights.collect())
    };
    (0..few).map(part).collect()
}

impl Wrap {
    /// A place in 0 to 1 that shows the same; 0 of what is not finite.
    fn within(self, place: f32) -> f32 {
        // Beyond a million a float has no place between two texels any more.
        if place.is_nan() || place.abs() >= 1e6 {
            return 0.0;
        }
        match self {
            Self::Repeat => place - floor(place) as f32,
            Self::Mirror => {
                let place = place - 2.0 * floor(place * 0.5) as f32;
                if place > 1.0 { 2.0 - place } else { place }
            }
            Self::Edge => place.clamp(0.0, 1.0),
        }
    }

    /// The texel at an index that may be one beyond either end.
    fn texel(self, index: i32, size: u32) -> usize {
        // Sides are below 2^31, as all texels are in memory.
        let size = size as i32;
        let inside = match self {
            Self::Repeat if index < 0 => index + size,
            Self::Repeat if index >= size => index - size,
            _ => index.clamp(0, size - 1),
        };
        inside as usize
    }
}

/// Without a call to the system's, which costs more than the rest of a look.
fn floor(x: f32) -> i32 {
    let whole = x as i32;
    whole - i32::from(whole as f32 > x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: Footprint = Footprint { right: [0.0; 2], below: [0.0; 2] };

    fn texture(wrap: Wrap, magnified: Magnified) -> Texture {
        Texture { image: 0, wrap: [wrap; 2], magnified }
    }

    fn grey(width: u32, height: u32, light_of: impl Fn(u32, u32) -> u8) -> Image {
        let texels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let texels = texels.map(|(x, y)| [light_of(x, y); 3]).map(|[r, g, b]| [r, g, b, 255]);
        Image::new(width, height, texels.collect()).unwrap()
    }

    #[test]
    fn a_texels_centre_has_its_colour_and_between_two_is_the_middle() {
        let image = grey(4, 1, |x, _| [0, 50, 100, 200][x as usize]);
        let at = |x| image.look(&texture(Wrap::Repeat, Magnified::Smooth), [x, 0.5], &SMALL)[0];
        for (x, code) in [(0.125, 0), (0.375, 50), (0.875, 200)] {
            assert!((at(x) - srgb::light(code)).abs() < 1e-5);
        }
        assert!((at(0.5) - (srgb::light(50) + srgb::light(100)) / 2.0).abs() < 1e-5);
        // Across the seam.
        assert!((at(1.0) - srgb::light(200) / 2.0).abs() < 1e-5);
    }

    #[test]
    fn squares_are_sharp() {
        let image = grey(2, 1, |x, _| [0, 255][x as usize]);
        let at = |x| image.look(&texture(Wrap::Repeat, Magnified::Squares), [x, 0.3], &SMALL)[0];
        assert_eq!([at(0.0), at(0.499), at(0.5), at(0.999), at(-0.1)], [0.0, 0.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn beyond_the_edge_is_what_wrap_says() {
        let image = grey(4, 1, |x, _| [0, 50, 100, 200][x as usize]);
        let at = |wrap, x| image.look(&texture(wrap, Magnified::Smooth), [x, 0.5], &SMALL)[0];
        for (wrap, x, same) in [
            (Wrap::Repeat, 5.375, 0.375),
            (Wrap::Repeat, -0.125, 0.875),
            (Wrap::Mirror, -0.375, 0.375),
            (Wrap::Mirror, 1.125, 0.875),
            (Wrap::Mirror, 2.375, 0.375),
            (Wrap::Edge, -7.0, 0.125),
            (Wrap::Edge, 1.5, 0.875),
        ] {
            assert!((at(wrap, x) - at(wrap, same)).abs() < 1e-6, "{wrap:?} {x}");
        }
    }

    #[test]
    fn far_away_a_chessboard_is_its_average_light() {
        let image = grey(64, 64, |x, y| if (x + y) % 2 == 0 { 255 } else { 0 });
        let far = Footprint { right: [0.25, 0.0], below: [0.0, 0.25] };
        let seen = image.look(&texture(Wrap::Repeat, Magnified::Smooth), [0.3, 0.6], &far);
        assert!((seen[0] - 0.5).abs() < 0.005, "{seen:?}");
    }

    #[test]
    fn a_flat_view_keeps_what_is_across_it() {
        // Stripes along x, seen from a direction in which a pixel covers 4 texels along the stripes and one across.
        let image = grey(64, 64, |_, y| if y % 2 == 0 { 255 } else { 0 });
        let flat = Footprint { right: [4.0 / 64.0, 0.0], below: [0.0, 1.0 / 64.0] };
        let at = |y| image.look(&texture(Wrap::Repeat, Magnified::Smooth), [0.5, y], &flat)[0];
        assert!(at(0.5 / 64.0) > 0.99 && at(1.5 / 64.0) < 0.01);
    }

    #[test]
    fn sides_that_are_no_powers_of_two_keep_their_average() {
        let image = grey(37, 11, |x, y| if x < 18 || x == 18 && y < 3 { 255 } else { 0 });
        let average = (18.0 * 11.0 + 3.0) / (37.0 * 11.0);
        let single = image.levels.last().unwrap();
        assert_eq!((single.width, single.height), (1, 1));
        assert!((single.texel(0, 0)[0] - average).abs() < 0.02);
    }

    #[test]
    fn what_is_transparent_lends_no_colour() {
        let image = Image::new(2, 1, vec![[255, 0, 0, 255], [0, 255, 0, 0]]).unwrap();
        assert_eq!(image.levels[1].texels, [[65535, 0, 0, 32768]]);
        assert!(!image.is_opaque());
    }

    proptest! {
        #[test]
        fn no_place_is_outside(
            width in 1..9_u32, height in 1..9_u32, place in any::<[f32; 2]>(), right in any::<[f32; 2]>(), below in any::<[f32; 2]>(),
            wrap in prop::sample::select(vec![Wrap::Repeat, Wrap::Mirror, Wrap::Edge]), squares in any::<bool>(),
        ) {
            let magnified = if squares { Magnified::Squares } else { Magnified::Smooth };
            let image = grey(width, height, |x, y| (x * 20 + y) as u8);
            for place in [place, place.map(|at| at % 4.0)] {
                let seen = image.look(&texture(wrap, magnified), place, &Footprint { right, below });
                prop_assert!(seen[0] >= 0.0 && seen[0] <= 1.0 && (seen[3] - 1.0).abs() < 1e-6);
            }
        }
    }
}
