//! Colour assignment: one colour an object, far from the others and from the object itself, all used about equally often.

use std::sync::LazyLock;

use super::{Colour, PALETTE, apart};

/// How far two colours of one image are apart at least, for the reader who finds them most alike. Seven times what is
/// just noticed in large patches; thin lines on a photo need that much.
pub const APART: f64 = 15.0;

/// How far a mark is apart from what it marks, where that is possible. More than [`APART`], because an object has many
/// colours around its mean.
pub const APART_FROM_OWN: f64 = 20.0;

/// Up to so many things of an image get colours that are apart, whatever their own colours; beyond, colours repeat in
/// rounds.
pub const MOST_APART: usize = 6;

/// A colour for each of some things by their own mean colours, where these are known.
///
/// `order`, a hash of whatever the image and the question are, decides which colours are preferred: over many of them
/// each colour is used about as often as any other. Where the things' own colours leave no way, the distance from them
/// is halved, and again, and then given up; that between the colours never is.
///
/// ```
/// use spatialmill_geometry::colour::{APART, apart, assign};
/// let grass = [60, 160, 70];
/// let colours = assign(&[Some(grass), None], 7);
/// assert!(apart(colours[0].rgb(), grass) > 20.0);
/// assert!(apart(colours[0].rgb(), colours[1].rgb()) > APART);
/// assert_eq!(colours, assign(&[Some(grass), None], 7));
/// ```
pub fn assign(own: &[Option<[u8; 3]>], order: u64) -> Vec<Colour> {
    let preferred = permutation(order);
    // A colour that is not known is far from all.
    let distances =
        |own: &Option<[u8; 3]>| PALETTE.map(|colour| own.map_or(f64::INFINITY, |own| apart(own, colour.rgb())));
    let mut colours = Vec::with_capacity(own.len());
    for round in own.chunks(MOST_APART) {
        let distances: Vec<_> = round.iter().map(distances).collect();
        let least = [APART_FROM_OWN, APART_FROM_OWN / 2.0, APART_FROM_OWN / 4.0, 0.0];
        let chosen = least.into_iter().find_map(|least| {
            let mut chosen = Vec::with_capacity(round.len());
            extend(&mut chosen, &distances, least, &preferred).then_some(chosen)
        });
        let chosen = chosen.expect("without own colours, MOST_APART colours of the palette are apart");
        colours.extend(chosen.into_iter().map(|at| PALETTE[at]));
    }
    colours
}

/// Which colours of the palette go together.
static TOGETHER: LazyLock<[[bool; PALETTE.len()]; PALETTE.len()]> =
    LazyLock::new(|| PALETTE.map(|a| PALETTE.map(|b| apart(a.rgb(), b.rgb()) >= APART)));

/// Colours, as places in the palette, for the things that have none yet, in the order of preference, taking back what
/// leads nowhere. At most eight colours for six things: 20,160 ways, and the first few lead to the end unless the own
/// colours forbid it.
fn extend(chosen: &mut Vec<usize>, own: &[[f64; PALETTE.len()]], least: f64, preferred: &[usize]) -> bool {
    let Some(distances) = own.get(chosen.len()) else { return true };
    for colour in preferred.iter().copied().filter(|colour| distances[*colour] >= least) {
        if chosen.iter().all(|other| TOGETHER[*other][colour]) {
            chosen.push(colour);
            if extend(chosen, own, least, preferred) {
                return true;
            }
            chosen.pop();
        }
    }
    false
}

/// One of the 40,320 orders of the palette: the digits of a number in the factorial system say which of the colours
/// left comes next.
fn permutation(order: u64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..PALETTE.len()).collect();
    let mut rest = order;
    let mut preferred = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let count = left.len() as u64;
        preferred.push(left.remove((rest % count) as usize));
        rest /= count;
    }
    preferred
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Orders as different as hashes are.
    fn orders(count: u64) -> impl Iterator<Item = u64> {
        (0..count).map(|k| k.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn pairs(colours: &[Colour]) -> impl Iterator<Item = (Colour, Colour)> {
        colours.iter().enumerate().flat_map(|(k, a)| colours[..k].iter().map(|b| (*a, *b)))
    }

    #[test]
    fn the_colours_of_an_image_are_apart_for_every_reader() {
        let own = [Some([90, 80, 60]), None, Some([200, 30, 40]), None, Some([240, 240, 240]), Some([20, 90, 30])];
        for order in orders(300) {
            for count in 0..=MOST_APART {
                let colours = assign(&own[..count], order);
                assert_eq!(colours.len(), count);
                for (a, b) in pairs(&colours) {
                    let found = apart(a.rgb(), b.rgb());
                    assert!(found >= APART, "{} and {} are {found} apart", a.name(), b.name());
                }
            }
        }
    }

    #[test]
    fn a_mark_stands_out_from_what_it_marks() {
        // Two things of any colours: the palette always has two that are far from them.
        let channel = [0, 64, 128, 192, 255];
        let colours = channel.iter().flat_map(|r| channel.iter().flat_map(|g| channel.map(|b| [*r, *g, b])));
        for own in colours {
            for order in orders(5) {
                for colour in assign(&[Some(own), Some(own)], order) {
                    let found = apart(colour.rgb(), own);
                    assert!(found >= APART_FROM_OWN, "{} is {found} from {own:?}", colour.name());
                }
            }
        }
    }

    #[test]
    fn what_cannot_stand_out_still_gets_colours_that_are_apart() {
        let own: Vec<_> = [6, 5, 4, 3, 2, 1].map(|k| Some(PALETTE[k].rgb())).to_vec();
        for order in orders(50) {
            let colours = assign(&own, order);
            assert!(pairs(&colours).all(|(a, b)| apart(a.rgb(), b.rgb()) >= APART));
        }
    }

    #[test]
    fn all_colours_are_used_about_evenly() {
        for count in [1, 2, 3] {
            let mut used = PALETTE.map(|_| 0);
            for order in orders(4_000) {
                for colour in assign(&vec![None; count], order) {
                    used[PALETTE.iter().position(|other| *other == colour).unwrap()] += 1;
                }
            }
            let even = 4_000 * count / PALETTE.len();
            // Orange has two colours that it cannot be with, so it is seen less often when there are several.
            let few = [0.9, 0.8, 0.6][count - 1];
            for (colour, used) in PALETTE.iter().zip(used) {
                let share = f64::from(used) / even as f64;
                assert!((few..1.25).contains(&share), "{} is used {share} times as often, of {count}", colour.name());
            }
        }
    }

    #[test]
    fn more_things_than_colours_repeat_them_in_rounds() {
        let colours = assign(&[None; 20], 3);
        assert_eq!(colours.len(), 20);
        assert!(colours.chunks(MOST_APART).all(|round| pairs(round).all(|(a, b)| a != b)));
    }
}
