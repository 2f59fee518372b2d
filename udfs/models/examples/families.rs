//! Families without their networks, for `tests/oracle/models.py`: one request in JSON on each line in, one answer on each line out.
//!
//! ```text
//! {"do": "prepare", "family": "yolox", "parameters": "score = 0.3", "networks": [{"inputs": {"image": [1, 3, 416, 416]},
//!  "outputs": {}}], "picture": "a.npy", "out": "folder"}                               ► {"image": "folder/image.npy"}
//! {"do": "prompt", ..., "outputs": {"image_embed": "e.npy", ...}, "box": [x0, y0, x1, y1]} ► {"point_coords": "folder/...", ...}
//! {"do": "decode", ..., "outputs": {"output": "o.npy"}}                               ► {"found": [...]} or {"invalid": "shape"}
//! ```
//!
//! Pictures are bytes [height, width, 3], red first; tensors are single floats; sizes that are null are free. `camera` (fx, fy, cx,
//! cy) is for depth. Every answer has `ms`, the shortest of `repeat` runs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use npyz::WriterBuilder;
use serde::Deserialize;
use serde_json::{Value, json};
use spatialmill_geometry::{Intrinsics, Mask, PixelBox, Vector3};
use spatialmill_models::{
    Adapter, DepthMap, FAMILIES, Found, Inputs, InvalidOutput, Outputs, Parameters, Rgb, Signature, Size, Tensor,
};

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "do")]
    action: Action,
    family: String,
    #[serde(default)]
    parameters: String,
    networks: Vec<Network>,
    picture: String,
    camera: Option<[f64; 4]>,
    #[serde(rename = "box")]
    bounds: Option<[f64; 4]>,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    out: Option<String>,
    repeat: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Prepare,
    Prompt,
    Decode,
}

#[derive(Deserialize)]
struct Network {
    inputs: BTreeMap<String, Vec<Option<usize>>>,
    outputs: BTreeMap<String, Vec<Option<usize>>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lines() {
        let answer = match serde_json::from_str(&line?).map_err(Into::into).and_then(|request| answer(&request)) {
            Ok(answer) => answer,
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn answer(request: &Request) -> Result<Value, Box<dyn Error>> {
    let family = FAMILIES.iter().find(|family| family.name == request.family).ok_or("there is no such family")?;
    let signatures: Vec<Signature> = request
        .networks
        .iter()
        .map(|network| Signature { inputs: network.inputs.clone(), outputs: network.outputs.clone() })
        .collect();
    let adapter = (family.open)(&Parameters(request.parameters.parse()?), &signatures)?;
    let picture = read_picture(&request.picture)?;
    let outputs = read_outputs(&request.outputs)?;
    let camera = request.camera.map_or(CAMERA, |[fx, fy, cx, cy]| Intrinsics { fx, fy, cx, cy });
    let bounds = request.bounds.map(|[x0, y0, x1, y1]| PixelBox { x0, y0, x1, y1 });
    let out = request.out.as_deref().unwrap_or(".");
    match request.action {
        Action::Prepare => {
            let (inputs, ms) = timed(request, || prepare(&adapter, &picture, &camera));
            written(&inputs, out, ms)
        }
        Action::Prompt => {
            let Adapter::Segment(segmenter) = &adapter else { return Err("only segmenters have prompts".into()) };
            let bounds = bounds.ok_or("a prompt needs a box")?;
            let (inputs, ms) = timed(request, || segmenter.prompt(&outputs, &bounds, picture.size()));
            inputs.map_or_else(|invalid| Ok(refused(&invalid)), |inputs| written(&inputs, out, ms))
        }
        Action::Decode => {
            let (decoded, ms) = timed(request, || decode(&adapter, &outputs, picture.size(), &camera, bounds.as_ref()));
            let mut answer = decoded.map_or_else(|invalid| Ok(refused(&invalid)), |decoded| decoded.answer(out))?;
            answer["ms"] = ms.into();
            Ok(answer)
        }
    }
}

/// Where nothing is said about a camera.
const CAMERA: Intrinsics = Intrinsics { fx: 500.0, fy: 500.0, cx: 319.5, cy: 239.5 };

/// The last answer, and milliseconds of the shortest run.
fn timed<T>(request: &Request, mut run: impl FnMut() -> T) -> (T, f64) {
    let mut shortest = f64::INFINITY;
    let mut once = || {
        let start = Instant::now();
        let answer = run();
        shortest = shortest.min(start.elapsed().as_secs_f64() * 1000.0);
        answer
    };
    for _ in 1..request.repeat.unwrap_or(1) {
        once();
    }
    let answer = once();
    (answer, shortest)
}

fn prepare(adapter: &Adapter, picture: &Rgb, camera: &Intrinsics) -> Inputs {
    match adapter {
        Adapter::Detect(detector) => detector.prepare(picture),
        Adapter::Segment(segmenter) => segmenter.prepare(picture),
        Adapter::Depth(depth) => depth.prepare(picture, camera),
        Adapter::Intrinsics(intrinsics_estimator) => intrinsics_estimator.prepare(picture),
        Adapter::Gravity(gravity_estimator) => gravity_estimator.prepare(picture),
    }
}

enum Decoded {
    Found(Vec<Found>),
    Mask(Mask, f32),
    Depth(DepthMap),
    Camera(Intrinsics),
    Down(Vector3<f64>),
}

fn decode(
    adapter: &Adapter,
    outputs: &Outputs,
    size: Size,
    camera: &Intrinsics,
    bounds: Option<&PixelBox>,
) -> Result<Decoded, InvalidOutput> {
    Ok(match adapter {
        Adapter::Detect(detector) => Decoded::Found(detector.decode(outputs, size)?),
        Adapter::Segment(segmenter) => {
            let bounds = bounds.ok_or_else(|| InvalidOutput::new("box", "a mask needs the box of its prompt"))?;
            let (mask, score) = segmenter.decode(outputs, bounds, size)?;
            Decoded::Mask(mask, score)
        }
        Adapter::Depth(depth) => Decoded::Depth(depth.decode(outputs, size, camera)?),
        Adapter::Intrinsics(intrinsics_estimator) => Decoded::Camera(intrinsics_estimator.decode(outputs, size)?),
        Adapter::Gravity(gravity_estimator) => Decoded::Down(gravity_estimator.decode(outputs, size)?),
    })
}

impl Decoded {
    fn answer(&self, out: &str) -> Result<Value, Box<dyn Error>> {
        Ok(match self {
            Self::Found(found) => {
                let edges = |bounds: &PixelBox| [bounds.x0, bounds.y0, bounds.x1, bounds.y1];
                let one =
                    |found: &Found| json!({ "label": found.label, "score": found.score, "box": edges(&found.bounds) });
                json!({ "found": found.iter().map(one).collect::<Vec<Value>>() })
            }
            Self::Mask(mask, score) => json!({ "runs": mask.runs(), "score": score }),
            Self::Depth(map) => {
                let path = format!("{out}/metres.npy");
                write(&path, &[map.size.height as usize, map.size.width as usize], &map.metres)?;
                json!({ "metres": path })
            }
            Self::Camera(camera) => json!({ "camera": [camera.fx, camera.fy, camera.cx, camera.cy] }),
            Self::Down(down) => json!({ "down": [down.x, down.y, down.z] }),
        })
    }
}

fn refused(invalid: &InvalidOutput) -> Value {
    json!({ "invalid": invalid.code, "message": invalid.message })
}

fn read_picture(path: &str) -> Result<Rgb, Box<dyn Error>> {
    let file = npyz::NpyFile::new(BufReader::new(File::open(path)?))?;
    let [height, width, 3] = file.shape().to_vec()[..] else {
        return Err("a picture must be [height, width, 3]".into());
    };
    let pixels = file.into_vec::<u8>()?;
    Rgb::new(width.try_into()?, height.try_into()?, pixels).ok_or_else(|| "a picture without pixels".into())
}

fn read_outputs(paths: &BTreeMap<String, String>) -> Result<Outputs, Box<dyn Error>> {
    let mut tensors = Vec::new();
    for (role, path) in paths {
        let file = npyz::NpyFile::new(BufReader::new(File::open(path)?))?;
        let shape = file.shape().iter().map(|side| usize::try_from(*side)).collect::<Result<Vec<usize>, _>>()?;
        tensors.push((role.clone(), Tensor::new(shape, file.into_vec::<f32>()?)));
    }
    Ok(Outputs::new(tensors))
}

fn written(inputs: &Inputs, out: &str, ms: f64) -> Result<Value, Box<dyn Error>> {
    let mut answer = json!({ "ms": ms });
    for (role, tensor) in inputs {
        let path = format!("{out}/{role}.npy");
        write(&path, tensor.shape(), tensor.data())?;
        answer[*role] = path.into();
    }
    Ok(answer)
}

fn write(path: &str, shape: &[usize], data: &[f32]) -> Result<(), Box<dyn Error>> {
    let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
    let file = BufWriter::new(File::create(Path::new(path))?);
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    writer.extend(data.iter().copied())?;
    writer.finish()?;
    Ok(())
}
