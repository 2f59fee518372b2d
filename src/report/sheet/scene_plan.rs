//! The panel of a scene from above: its floor, the boxes of its objects, the way of the camera, and from where the shown frames were taken.
//!
//! ```text
//!   ╭───────────────╮    ╭──╮   outline of the floor
//!   │ ┌──┐    ◁3    │    ┌──┐   an object of the scene; one that the question names is in colour, with its number and name
//!   │ └──┘  ·······   │    ◁3     the camera of image 3, between the borders of its view
//!   │  1 chair  ◁1  │    ····   where the camera went
//!   ╰───────────────╯    ├──┤ 1 m
//! ```
//!
//! As the world's axes lie: x goes right, y goes up.

use spatialmill_drawing::{Board, BoardError, Line, width};
use spatialmill_geometry::colour::Colour;

use super::layout::{Labels, PanelSlot};
use super::photo::around;
use super::plan::grid_step;
use super::scene::{PlacedCamera, PlacedObject, Scene};
use crate::report::number::number;

const GROUND: [u8; 3] = [228, 230, 233];
const FLOOR: [u8; 3] = [252, 252, 250];
const WALL: [u8; 3] = [120, 126, 135];
const THING: [u8; 3] = [208, 211, 216];
const EDGE: [u8; 3] = [158, 163, 171];
const PATH: [u8; 3] = [116, 150, 190];
const INK: [u8; 3] = [38, 42, 48];
const FAINT: [u8; 3] = [105, 110, 118];

/// An object that a question names.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedObject {
    pub object_id: String,
    pub category: String,
    /// As people see it on images and plans, where it has one.
    pub number: Option<String>,
    pub colour: Colour,
}

impl NamedObject {
    /// Number and category.
    pub fn label(&self) -> String {
        match &self.number {
            Some(number) => format!("{number} {}", self.category),
            None => self.category.clone(),
        }
    }
}

/// The scene with the objects of a question, and the cameras of its images in their order.
pub fn panel(scene: &Scene, named: &[NamedObject], shown: &[String], slot: PanelSlot) -> Result<Board, BoardError> {
    let cameras: Vec<(String, &PlacedCamera)> = (1..)
        .zip(shown)
        .filter_map(|(number, frame_id)| {
            Some((format!("{number}"), scene.path.iter().find(|camera| camera.frame_id == *frame_id)?))
        })
        .collect();
    let in_question: Vec<(&PlacedObject, &NamedObject)> = named
        .iter()
        .filter_map(|name| Some((scene.objects.iter().find(|object| object.object_id == name.object_id)?, name)))
        .collect();
    let Some(view) = SceneScale::showing(scene, &in_question, &cameras, slot) else {
        return slot.saying("nothing of the scene has a place");
    };
    let mut board = Board::new(slot.width, slot.height, GROUND)?;
    let is_named = |object: &PlacedObject| named.iter().any(|name| name.object_id == object.object_id);
    view.draw_floor(&mut board, scene);
    for object in largest_first(scene.objects.iter().filter(|object| !is_named(object))) {
        let corners = view.pixels(&object.footprint);
        board.fill(&corners, THING, 0.55);
        board.outline(&corners, Line::new(EDGE, 1.0));
    }
    view.draw_path(&mut board, scene);
    for (_, camera) in &cameras {
        view.draw_view(&mut board, camera);
    }
    let mut colours = in_question.clone();
    colours.sort_by(|(a, _), (b, _)| area(&b.footprint).total_cmp(&area(&a.footprint)));
    for (object, name) in colours {
        let corners = view.pixels(&object.footprint);
        board.fill(&corners, name.colour.rgb(), 0.6);
        board.outline(&corners, Line { opacity: 0.8, ..Line::new(INK, 3.2) });
        board.outline(&corners, Line::new(name.colour.rgb(), 1.8));
    }
    for (_, camera) in &cameras {
        view.draw_camera(&mut board, camera);
    }
    write_words(&mut board, &view, scene, &in_question, &cameras);
    Ok(board)
}

/// The scale, then what the question names, then the images' numbers, then the other objects where there is room.
fn write_words(
    board: &mut Board,
    view: &SceneScale,
    scene: &Scene,
    in_question: &[(&PlacedObject, &NamedObject)],
    cameras: &[(String, &PlacedCamera)],
) {
    let mut labels = Labels::of_size(view.slot, view.letters);
    view.draw_scale(board, &mut labels, scene.metric);
    // Under no label: one sees where a camera is.
    for (_, camera) in cameras {
        let (x, y) = view.pixel(camera.at);
        labels.take((x - 2.0, y - 2.0), (4.0, 4.0));
    }
    for (object, name) in in_question {
        let text = name.label();
        let (wide, high) = labels.measure(&text);
        let (x, y) = view.pixel(middle(&object.footprint));
        let corner = (x - wide / 2.0, y - high / 2.0);
        let half = view
            .pixels(&object.footprint)
            .iter()
            .fold((0.0_f64, 0.0_f64), |half, at| (half.0.max((at.0 - x).abs()), half.1.max((at.1 - y).abs())));
        // On a footprint that is hardly larger than its label the label would be all that one sees: beside it, then.
        let small = half.0 < 0.7 * wide || half.1 < 1.1 * high;
        let off = (half.0 + wide / 2.0 + 4.0, half.1 + high / 2.0 + 4.0);
        let beside = [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0)]
            .map(|(right, down)| (corner.0 + right * off.0, corner.1 + down * off.1));
        let far = around(corner, (wide / 2.0, 1.5 * high)).skip(usize::from(small));
        let Some(at) = labels.find(&text, beside.into_iter().filter(|_| small).chain(far)) else { continue };
        let (to_x, to_y) = (at.0 + wide / 2.0, at.1 + high / 2.0);
        if (to_x - x).abs() > off.0 + 1.0 || (to_y - y).abs() > off.1 + 1.0 {
            board.line(&[(x, y), (to_x, to_y)], Line::new(INK, 1.0));
        }
        labels.draw(board, &text, at, name.colour.rgb(), name.colour.contrast());
    }
    let mut numbers = labels.resized(0.8 * view.letters);
    for (text, camera) in cameras {
        let (wide, high) = numbers.measure(text);
        let (x, y) = view.pixel(camera.at);
        // Behind the camera first: what it looks at stays in sight.
        let behind = camera.borders.map(|[left, right]| [-(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0]);
        let [right, down] = behind.unwrap_or([0.0, -1.0]);
        let off = |by: f64| {
            (x + by * right * (wide / 2.0 + 4.0) - wide / 2.0, y + by * down * (high / 2.0 + 4.0) - high / 2.0)
        };
        let corners = [off(1.3), off(1.8)].into_iter().chain(around(off(1.3), (0.7 * wide, 0.7 * high)));
        if let Some(at) = numbers.find(text, corners) {
            numbers.draw(board, text, at, INK, [255; 3]);
        }
    }
    let mut others = numbers.resized(0.75 * view.letters);
    let is_named = |object: &PlacedObject| in_question.iter().any(|(of, _)| of.object_id == object.object_id);
    for object in largest_first(scene.objects.iter().filter(|object| !is_named(object))) {
        let (wide, high) = others.measure(&object.category);
        let corners = view.pixels(&object.footprint);
        let (low, end) = bounds(corners.iter().map(|(x, y)| [*x, *y])).unwrap_or_default();
        let (x, y) = view.pixel(middle(&object.footprint));
        // Where it would hide its own object, or be taken for a neighbour's, nothing is written.
        if end[0] - low[0] > 0.7 * wide && end[1] - low[1] > 0.7 * high {
            let corner = (x - wide / 2.0, y - high / 2.0);
            if others.inside(corner, (wide, high)) == (corner.0.round(), corner.1.round())
                && let Some((x, y)) = others.find(&object.category, [corner])
            {
                others.write(board, &object.category, (x, y), FAINT);
            }
        }
    }
}

/// Small ones stay in sight where they stand on larger ones.
fn largest_first<'a>(objects: impl Iterator<Item = &'a PlacedObject>) -> Vec<&'a PlacedObject> {
    let mut objects: Vec<_> = objects.collect();
    objects.sort_by(|a, b| area(&b.footprint).total_cmp(&area(&a.footprint)));
    objects
}

fn area(polygon: &[[f64; 2]]) -> f64 {
    let after = polygon.iter().cycle().skip(1);
    polygon.iter().zip(after).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

fn middle(polygon: &[[f64; 2]]) -> [f64; 2] {
    let n = polygon.len().max(1) as f64;
    polygon.iter().fold([0.0; 2], |sum, at| [sum[0] + at[0] / n, sum[1] + at[1] / n])
}

/// The lowest and the highest corner of what is finite.
fn bounds(points: impl Iterator<Item = [f64; 2]>) -> Option<([f64; 2], [f64; 2])> {
    let finite = points.filter(|at| at.iter().all(|side| side.is_finite()));
    finite.fold(None, |found, at| {
        let (low, high) = found.unwrap_or((at, at));
        Some(([low[0].min(at[0]), low[1].min(at[1])], [high[0].max(at[0]), high[1].max(at[1])]))
    })
}

/// Between the world and pixels of the panel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct SceneScale {
    slot: PanelSlot,
    /// The world at the middle of the panel.
    middle: [f64; 2],
    /// Pixels in a metre.
    scale: f64,
    letters: f64,
}

/// A plan shows so much of the world at least, metres.
const LEAST: f64 = 0.5;

/// Steps between two frames that are longer than this part of the scene are no way that anybody walked.
const JUMP: f64 = 0.2;

impl SceneScale {
    /// As large as possible: the floor, the question's objects and cameras, and where there is no floor, everything.
    fn showing(
        scene: &Scene,
        in_question: &[(&PlacedObject, &NamedObject)],
        cameras: &[(String, &PlacedCamera)],
        slot: PanelSlot,
    ) -> Option<Self> {
        let objects = in_question.iter().flat_map(|(object, _)| object.footprint.iter().copied());
        let asked = objects.chain(cameras.iter().map(|(_, camera)| camera.at));
        let room = scene.floor.iter().flatten().copied();
        let all = scene.objects.iter().flat_map(|object| object.footprint.iter().copied());
        let all = all.filter(|_| scene.floor.is_empty()).chain(scene.path.iter().map(|camera| camera.at));
        let (low, high) = bounds(asked.chain(room).chain(all))?;
        let letters = (f64::from(slot.height) / 30.0).clamp(11.0, 16.0);
        let [wide, high_side] = [high[0] - low[0], high[1] - low[1]].map(|side| side.max(LEAST));
        // The scale's bar has a strip of its own below.
        let margin = 1.2 * letters;
        let room = (f64::from(slot.width) - 2.0 * margin, f64::from(slot.height) - 2.0 * margin - 1.6 * letters);
        let scale = (room.0 / wide).min(room.1 / high_side);
        let below = 0.8 * letters / scale;
        Some(Self { slot, middle: [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0 - below], scale, letters })
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> (f64, f64) {
        let (width, height) = (f64::from(self.slot.width), f64::from(self.slot.height));
        (width / 2.0 + (x - self.middle[0]) * self.scale, height / 2.0 - (y - self.middle[1]) * self.scale)
    }

    fn pixels(&self, points: &[[f64; 2]]) -> Vec<(f64, f64)> {
        points.iter().map(|at| self.pixel(*at)).collect()
    }

    fn draw_floor(&self, board: &mut Board, scene: &Scene) {
        for outline in &scene.floor {
            board.fill(&self.pixels(outline), FLOOR, 1.0);
        }
        for outline in &scene.floor {
            board.outline(&self.pixels(outline), Line::new(WALL, 1.6));
        }
    }

    /// A line along all frames of the scene; dots where the next one is far away.
    fn draw_path(&self, board: &mut Board, scene: &Scene) {
        let (low, high) = bounds(scene.path.iter().map(|camera| camera.at)).unwrap_or_default();
        let jump = (JUMP * (high[0] - low[0]).hypot(high[1] - low[1])).max(1.0);
        let mut run = Vec::new();
        for (at, camera) in scene.path.iter().enumerate() {
            run.push(self.pixel(camera.at));
            let next = scene.path.get(at + 1).map(|next| next.at);
            if next.is_none_or(|next| (next[0] - camera.at[0]).hypot(next[1] - camera.at[1]) > jump) {
                board.line(&run, Line { opacity: 0.8, ..Line::new(PATH, 1.6) });
                run.clear();
            }
        }
    }

    /// What a camera sees, as far as its wedge reaches.
    fn draw_view(&self, board: &mut Board, camera: &PlacedCamera) {
        let (x, y) = self.pixel(camera.at);
        let Some(borders) = camera.borders else { return };
        let long = 2.4 * self.letters;
        let [left, right] = borders.map(|[across, up]| (x + across * long, y - up * long));
        board.fill(&[(x, y), left, right], PATH, 0.3);
        for end in [left, right] {
            board.line(&[(x, y), end], Line { opacity: 0.7, ..Line::new(PATH, 1.0) });
        }
    }

    fn draw_camera(&self, board: &mut Board, camera: &PlacedCamera) {
        let (x, y) = self.pixel(camera.at);
        let dot: Vec<(f64, f64)> = (0..12)
            .map(|step| f64::from(step) * std::f64::consts::TAU / 12.0)
            .map(|angle| (x + 2.6 * angle.cos(), y + 2.6 * angle.sin()))
            .collect();
        board.fill(&dot, INK, 1.0);
    }

    /// A bar of a round length.
    fn draw_scale(&self, board: &mut Board, labels: &mut Labels, metric: bool) {
        let length = grid_step(4.0 * self.letters / self.scale);
        let text = if metric { format!("{} m", number(length)) } else { format!("{}, no known unit", number(length)) };
        let (x0, y) = (self.letters, f64::from(self.slot.height) - 0.8 * self.letters);
        let x1 = x0 + length * self.scale;
        let tick = 0.35 * self.letters;
        board.line(&[(x0, y), (x1, y)], Line::new(INK, 1.8));
        for x in [x0, x1] {
            board.line(&[(x, y - tick), (x, y + tick)], Line::new(INK, 1.8));
        }
        board.write(&text, (x1 + 0.5 * self.letters, y + 0.3 * self.letters), self.letters, INK);
        let wide = x1 - x0 + self.letters + width(&text, self.letters);
        labels.take((x0, y - self.letters), (wide, 2.0 * self.letters));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: PanelSlot = PanelSlot { width: 640, height: 480 };

    fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    }

    fn object(id: &str, x: f64, y: f64) -> PlacedObject {
        PlacedObject { object_id: id.into(), category: format!("thing {id}"), footprint: square(x, y, 1.0) }
    }

    fn camera(id: &str, x: f64, y: f64) -> PlacedCamera {
        PlacedCamera { frame_id: id.into(), at: [x, y], borders: Some([[0.6, 0.8], [0.8, 0.6]]) }
    }

    fn room() -> Scene {
        Scene {
            metric: true,
            objects: vec![object("a", 1.0, 1.0), object("b", 5.0, 4.0)],
            path: vec![camera("s/1", 3.0, 2.0), camera("s/2", 3.5, 2.0)],
            floor: vec![square(0.0, 0.0, 6.0)],
        }
    }

    fn red(id: &str) -> NamedObject {
        let colour = Colour::named("red").unwrap();
        NamedObject { object_id: id.into(), category: "chair".into(), number: Some("1".into()), colour }
    }

    #[test]
    fn what_the_question_names_is_in_colour_where_it_stands() {
        let scene = room();
        let board = panel(&scene, &[red("a")], &["s/2".into()], SLOT).unwrap();
        let view = SceneScale::showing(&scene, &[], &[], SLOT).unwrap();
        let at = |x: f64, y: f64| {
            let (x, y) = view.pixel([x, y]);
            board.at(x as u32, y as u32).unwrap()
        };
        let inside = at(1.1, 1.1);
        assert!(inside[0] > 200 && inside[1] < 130, "{inside:?}");
        let other = at(5.2, 4.2);
        assert!(other[0] < FLOOR[0] && other[0].abs_diff(other[1]) < 8, "{other:?}");
        assert_eq!((at(2.2, 5.6), at(3.5, 2.0)), (FLOOR, INK));
        assert_eq!(board.at(2, 2), Some(GROUND));
    }

    #[test]
    fn a_scene_without_anything_says_so_and_one_of_cameras_alone_is_drawn() {
        let words = panel(&Scene::default(), &[], &[], SLOT).unwrap();
        assert!((0..640).any(|x| (0..480).any(|y| words.at(x, y) != words.at(0, 0))));
        let cameras = Scene { objects: Vec::new(), floor: Vec::new(), ..room() };
        let board = panel(&cameras, &[red("nowhere")], &["s/1".into(), "s/none".into()], SLOT).unwrap();
        assert!((0..640).any(|x| (0..480).any(|y| board.at(x, y) == Some(INK))));
    }

    #[test]
    fn all_of_the_floor_is_on_the_panel_whatever_its_shape() {
        for (wide, high) in [(40.0, 2.0), (1.0, 30.0), (0.0, 0.0)] {
            let floor = vec![vec![[9.0, 9.0], [9.0 + wide, 9.0], [9.0 + wide, 9.0 + high], [9.0, 9.0 + high]]];
            let scene = Scene { floor, ..Scene::default() };
            let view = SceneScale::showing(&scene, &[], &[], SLOT).unwrap();
            for (x, y) in view.pixels(&scene.floor[0]) {
                assert!((0.0..640.0).contains(&x) && (0.0..480.0).contains(&y), "{x} {y}");
            }
        }
    }
}
