//! How alike two views of an object are, and which views of one object a person could not tell apart.
//!
//! A question about how far an object turned has an answer only where its other options would look different: a bottle looks
//! the same from all sides. Views are small and without light, as light moves with the camera.

use thiserror::Error;

use crate::{Camera, Light, Mesh, RenderError, Smoothing, Style, Turntable, View, render};

/// How much two views have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Pixels that both outlines have over pixels that one of them has; 1 where neither has any.
    pub outline: f64,
    /// How different the colours of pixels in both outlines are: the mean over pixels and channels, 0 to 1 of the range of their
    /// codes (sRGB); 0 where there are none.
    pub colour: f64,
}

/// From when on views are different.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// An outline less alike than this tells two views apart. 0.95.
    pub outline: f64,
    /// So does a colour more different than this. 0.03.
    pub colour: f64,
}

impl Default for Apart {
    fn default() -> Self {
        Self { outline: 0.95, colour: 0.03 }
    }
}

/// Views of different sizes have nothing to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a view of {0:?} pixels is compared with one of {1:?}")]
pub struct SizesDiffer(pub [u32; 2], pub [u32; 2]);

impl Likeness {
    pub fn of(one: &View, other: &View) -> Result<Self, SizesDiffer> {
        let sizes = [one, other].map(|view| [view.width(), view.height()]);
        if sizes[0] != sizes[1] {
            return Err(SizesDiffer(sizes[0], sizes[1]));
        }
        let (mut both, mut either, mut difference) = (0_u64, 0_u64, 0_u64);
        let pixels = one.mask().iter().zip(one.rgba().as_chunks::<4>().0);
        let others = other.mask().iter().zip(other.rgba().as_chunks::<4>().0);
        for ((in_one, [r, g, b, _]), (in_other, [other_r, other_g, other_b, _])) in pixels.zip(others) {
            either += u64::from(*in_one || *in_other);
            if *in_one && *in_other {
                both += 1;
                let channels = [r.abs_diff(*other_r), g.abs_diff(*other_g), b.abs_diff(*other_b)];
                difference += channels.into_iter().map(u64::from).sum::<u64>();
            }
        }
        let share = |part: u64, whole: u64, of_none: f64| if whole > 0 { part as f64 / whole as f64 } else { of_none };
        Ok(Self { outline: share(both, either, 1.0), colour: share(difference, both * 3 * 255, 0.0) })
    }

    /// Whether nobody could tell the views apart.
    ///
    /// ```
    /// use spatialmill_render::{Apart, Likeness};
    /// let apart = Apart::default();
    /// assert!(Likeness { outline: 0.97, colour: 0.02 }.is_alike(&apart));
    /// assert!(!Likeness { outline: 0.94, colour: 0.0 }.is_alike(&apart));
    /// assert!(!Likeness { outline: 1.0, colour: 0.1 }.is_alike(&apart));
    /// ```
    pub fn is_alike(&self, apart: &Apart) -> bool {
        self.outline >= apart.outline && self.colour <= apart.colour
    }
}

/// An object's views all round, made when they are first asked for: of one elevation, [`Lookalikes::SIDE`] pixels wide, without light. A view
/// takes 2 ms for 10,000 triangles; there are at most 360, of 110 kB.
pub struct Lookalikes<'a> {
    mesh: &'a Mesh,
    turntable: Turntable,
    apart: Apart,
    /// By azimuth.
    views: Vec<Option<View>>,
}

/// How often an object repeats itself on its way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symmetry {
    /// It looks the same from everywhere.
    Round,
    /// It looks the same after every 360 / so many degrees.
    Fold(u32),
    /// No turn leaves it as it is.
    None,
}

impl<'a> Lookalikes<'a> {
    /// Pixels. Larger views would show differences that are none to a person who looks at two pictures.
    pub const SIDE: u32 = 112;

    /// Of a normalised mesh with z up. Elevation and distance are those of the turntable; its side and start do not matter.
    pub fn new(mesh: &'a Mesh, turntable: Turntable, apart: Apart) -> Self {
        Self { mesh, turntable: Turntable { side: Self::SIDE, start: 0, ..turntable }, apart, views: vec![None; 360] }
    }

    /// How alike the object looks from two azimuths, degrees.
    pub fn likeness(&mut self, azimuth: i32, other: i32) -> Result<Likeness, RenderError> {
        let [one, other] = [azimuth, other].map(|azimuth| azimuth.rem_euclid(360) as usize);
        self.make(one)?;
        self.make(other)?;
        Ok(match (&self.views[one], &self.views[other]) {
            (Some(one), Some(other)) => Likeness::of(one, other).expect("all views here have one size"),
            _ => unreachable!("both were made"),
        })
    }

    /// Which options of a question could not be told from its right answer. The question shows the object from azimuth `first` and then from
    /// `second`, and asks for its apparent turn, `first - second`; `options` are such turns, degrees. A wrong one is in the result where
    /// the object, turned by it from the first picture, would look like the second one, or, turned back from the second, like the first.
    ///
    /// ```
    /// # use spatialmill_render::{Apart, Lookalikes, Material, Mesh, Part, RenderError, Turntable};
    /// # let positions: Vec<[f32; 3]> = (0..8).map(|corner| [4, 2, 1].map(|bit| if corner & bit == 0 { -0.5 } else { 0.5 })).collect();
    /// # let sides = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]];
    /// # let triangles = sides.iter().flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]]).collect();
    /// # let part = Part { positions, triangles, ..Part::default() };
    /// # let cube = Mesh::new(vec![part], vec![Material::default()], vec![]).unwrap();
    /// // A cube that turns by 30 degrees could as well have turned by 120 or by -60.
    /// let mut cube = Lookalikes::new(&cube, Turntable::default(), Apart::default());
    /// assert_eq!(cube.confusable(45, 15, &[30, -30, 120, 75])?, [120]);
    /// # Ok::<(), RenderError>(())
    /// ```
    pub fn confusable(&mut self, first: i32, second: i32, options: &[i32]) -> Result<Vec<i32>, RenderError> {
        let [first, second] = [first, second].map(|azimuth| azimuth.rem_euclid(360));
        let mut found = Vec::new();
        for option in options {
            let turn = option.rem_euclid(360);
            if turn == (first - second).rem_euclid(360) {
                continue;
            }
            let from_first = self.likeness(second, first - turn)?.is_alike(&self.apart);
            if from_first || self.likeness(first, second + turn)?.is_alike(&self.apart) {
                found.push(*option);
            }
        }
        Ok(found)
    }

    /// How often the object repeats itself: the most of round (24 views), 12, 8, 6, 5, 4, 3 and 2 times for which all views at these
    /// steps look alike, from each of six azimuths 15 degrees apart that one starts at.
    pub fn symmetry(&mut self) -> Result<Symmetry, RenderError> {
        for fold in [24, 12, 8, 6, 5, 4, 3, 2] {
            if self.repeats(fold)? {
                return Ok(if fold == 24 { Symmetry::Round } else { Symmetry::Fold(fold as u32) });
            }
        }
        Ok(Symmetry::None)
    }

    fn repeats(&mut self, fold: i32) -> Result<bool, RenderError> {
        for start in (0..6).map(|start| start * crate::STEP) {
            for step in 1..fold {
                if !self.likeness(start, start + step * 360 / fold)?.is_alike(&self.apart) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn make(&mut self, azimuth: usize) -> Result<(), RenderError> {
        if self.views[azimuth].is_none() {
            let camera: Camera = self.turntable.camera_at(azimuth as i32);
            let style = Style { smoothing: Smoothing::None, light: Light::Albedo };
            self.views[azimuth] = Some(render(self.mesh, &camera, style)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::{cuboid, poster, prism, white};
    use crate::{Material, Mesh, Part};

    fn lookalikes(mesh: &Mesh) -> Lookalikes<'_> {
        Lookalikes::new(mesh, Turntable { elevation: 15, distance: 1.8, ..Turntable::default() }, Apart::default())
    }

    #[test]
    fn a_cylinder_looks_the_same_from_everywhere() {
        let mesh = white(prism(96));
        let mut cylinder = lookalikes(&mesh);
        assert_eq!(cylinder.symmetry(), Ok(Symmetry::Round));
        assert_eq!(cylinder.confusable(15, 75, &[-60, 60, 120, -150]), Ok(vec![60, 120, -150]));
    }

    #[test]
    fn a_prism_looks_the_same_after_one_side() {
        for (sides, symmetry) in [(3, Symmetry::Fold(3)), (4, Symmetry::Fold(4)), (5, Symmetry::Fold(5))] {
            assert_eq!(lookalikes(&white(prism(sides))).symmetry(), Ok(symmetry), "{sides}");
        }
        assert_eq!(lookalikes(&white(cuboid([1.0, 0.5, 0.4]))).symmetry(), Ok(Symmetry::Fold(2)));
    }

    #[test]
    fn a_colour_tells_the_sides_of_a_cube_apart() {
        let cube = cuboid([1.0; 3]);
        // Each corner has its own colour.
        let colours = (0..8).map(|corner| [(corner & 1) as f32, (corner >> 1 & 1) as f32, 0.5, 1.0]).collect();
        let coloured = white(Part { colours, ..cube.clone() });
        assert_eq!(lookalikes(&coloured).symmetry(), Ok(Symmetry::None));
        assert_eq!(lookalikes(&white(cube)).confusable(45, 15, &[30, 120, -60]), Ok(vec![120, -60]));
    }

    #[test]
    fn an_option_is_tried_from_both_pictures() {
        // A sheet of two colours: from its edge nothing is seen of it, whichever way it turned.
        let mesh = poster(2, vec![[255, 0, 0, 255], [0, 0, 255, 255]], Material::default());
        let mut sheet = lookalikes(&mesh);
        assert!(sheet.likeness(0, 180).unwrap().colour > 0.2);
        assert_eq!(sheet.confusable(90, 0, &[90, -90]), Ok(vec![-90]));
    }

    #[test]
    fn views_of_other_sizes_are_not_compared() {
        let mesh = white(cuboid([1.0; 3]));
        let [small, large] = [8, 16].map(|side| {
            render(&mesh, &Turntable { side, ..Turntable::default() }.camera(0), Style::default()).unwrap()
        });
        assert_eq!(Likeness::of(&small, &large), Err(SizesDiffer([8, 8], [16, 16])));
    }
}
