//! B6: what the engine costs around a model: photos through `depth(..)` in SQL, and through a bare loop around the same network.
//!
//! It isolates reading, decoding, preparing, handing over, decoding of answers and keeping them from the model, whose time is set: networks of about
//! 1, 10 and 50 ms on one thread, without weights. The bare loop is what one would write by hand: read, decode, prepare, run, decode, one photo
//! after the other; it keeps nothing. Both see the same files, in turn, and must find the same nearest reading in each.
//! `cargo bench --bench models -- [photos] [rounds]` prints a line for each network: photos a second of both, their ratio, and how busy the model was.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use jpeg_encoder::{ColorType, Encoder};
use spatialmill::{Mill, Progress, Project, RuntimeBuild, set_up_runtime};
use spatialmill_drawing::decode_rgb;
use spatialmill_geometry::Intrinsics;
use spatialmill_models::{
    Adapter, FAMILIES, Network, OnnxNetwork, Outputs, Parameters, Provider, Rgb, Runtime, SessionOptions, Tensor,
};

const CAMERA: Intrinsics = Intrinsics { fx: 554.0, fy: 554.0, cx: 319.5, cy: 239.5 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let (photos, rounds) = (numbers.next().unwrap_or(200), numbers.next().unwrap_or(3));
    let Ok(library) = set_up_runtime(RuntimeBuild::Cpu) else {
        println!("ONNX Runtime is not here, and cannot be had: nothing is measured");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let files = take_photos(folder.path(), photos)?;
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    for network in ["work_1", "work_10", "work_50"] {
        let mut bare = Bare::open(&library, network)?;
        let (mut by_loop, mut by_sql) = (Vec::new(), Vec::new());
        let mut busy = Vec::new();
        bare.nearest(&files[..1])?;
        for round in 0..rounds {
            let began = Instant::now();
            let expected = bare.nearest(&files)?;
            by_loop.push(photos as f64 / began.elapsed().as_secs_f64());
            let (rate, share, found) = threads.block_on(through_sql(folder.path(), network, round, photos))?;
            let differs = expected.iter().zip(&found).any(|(a, b)| (f64::from(*a) - b).abs() > 1e-6);
            if expected.len() != found.len() || differs {
                return Err("the two do not say the same".into());
            }
            by_sql.push(rate);
            busy.push(share);
        }
        let (by_loop, by_sql, busy) = (median(by_loop), median(by_sql), median(busy));
        println!(
            "{network}: bare loop {by_loop:.1} photos/s, SQL {by_sql:.1} photos/s, ratio {:.3}, model busy {:.1} %",
            by_sql / by_loop,
            100.0 * busy
        );
    }
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Photos of 640 x 480 with as much detail as real ones have.
fn take_photos(folder: &Path, photos: usize) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    std::fs::create_dir(folder.join("photos"))?;
    let mut files = Vec::new();
    for number in 0..photos {
        let mut state = number as u32 * 2_654_435_761 + 1;
        let mut pixels = Vec::with_capacity(640 * 480 * 3);
        for at in 0..640_u32 * 480 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (at % 640, at / 640);
            let light = (x / 5 + y / 3 + (x * y / 997) % 60 + (state >> 27)) as u8;
            pixels.extend([light, light.wrapping_add((number % 50) as u8), light / 2]);
        }
        let path = folder.join(format!("photos/{number:05}.jpg"));
        Encoder::new_file(&path, 88)?.encode(&pixels, 640, 480, ColorType::Rgb)?;
        files.push(path);
    }
    Ok(files)
}

fn networks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("udfs/models/tests/networks")
}

/// What one would write by hand.
struct Bare {
    network: OnnxNetwork,
    adapter: Adapter,
}

impl Bare {
    fn open(library: &Path, name: &str) -> Result<Self, Box<dyn Error>> {
        let family = FAMILIES.iter().find(|family| family.name == "metric_depth").ok_or("no such family")?;
        let options = SessionOptions { provider: Provider::Cpu, device: 0, threads: 1 };
        let file = spatialmill_models::File {
            uri: String::new(),
            sha256: String::new(),
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        let path = networks().join(format!("{name}.onnx"));
        let network = OnnxNetwork::open(&Runtime::load(library)?, &path, &family.networks[0], &file, options)?;
        let adapter = (family.open)(&Parameters::default(), &[network.signature().clone()])?;
        Ok(Self { network, adapter })
    }

    /// The nearest reading of each photo.
    fn nearest(&mut self, files: &[PathBuf]) -> Result<Vec<f32>, Box<dyn Error>> {
        let Adapter::Depth(family) = &self.adapter else { return Err("no depth".into()) };
        let mut all = Vec::with_capacity(files.len());
        for file in files {
            let (width, height, pixels) = decode_rgb(&std::fs::read(file)?)?;
            let picture = Rgb::new(width, height, pixels).ok_or("no picture")?;
            let inputs = family.prepare(&picture, &CAMERA);
            let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(role, tensor)| (*role, tensor.as_ref())).collect();
            let outputs = Outputs::new(self.network.run(&inputs)?);
            let map = family.decode(&outputs, picture.size(), &CAMERA)?;
            all.push(map.metres.iter().copied().filter(|m| *m > 0.0).fold(f32::INFINITY, f32::min));
        }
        Ok(all)
    }
}

/// Photos a second, the share of the time that the model ran, and the nearest readings in the photos' order.
async fn through_sql(
    folder: &Path,
    network: &str,
    round: usize,
    photos: usize,
) -> Result<(f64, f64, Vec<f64>), Box<dyn Error>> {
    let file = networks().join(format!("{network}.onnx"));
    let digest = ring::digest::digest(&ring::digest::SHA256, &std::fs::read(&file)?);
    let sha256: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let model = format!(
        "[[model]]\nname = \"{network}\"\ntask = \"depth\"\nfamily = \"metric_depth\"\nthreads = 1\nuri = \"{}\"\nsha256 = \"{sha256}\"\n",
        file.display()
    );
    std::fs::write(folder.join("models.toml"), model)?;
    std::fs::write(folder.join("mill.toml"), "[[source]]\nname = \"b6\"\nkind = \"images\"\nroot = \"photos\"\n")?;
    // A warehouse of its own, so that nothing was said before.
    let project = Project::load(folder, &[format!("url={network}-{round}"), "partitions=1".to_owned()])?;
    let mill = Mill::open(project, Progress::silent()).await?;
    mill.import(&[]).await?;
    let context = mill.session(&BTreeMap::new()).await?;
    let query = |rows: &str| {
        format!(
            "SELECT frame_id, d['near'] AS near FROM (SELECT frame_id, unnest(depth(uri, sha256, \
             named_struct('fx', 554.0, 'fy', 554.0, 'cx', 319.5, 'cy', 239.5), '{network}')) AS d \
             FROM (SELECT * FROM frames {rows}))"
        )
    };
    // The model is opened outside the clock; the one photo that does it is asked about under another camera.
    let warm = query("ORDER BY frame_id LIMIT 1").replace("554.0", "555.0");
    context.sql(&warm).await?.collect().await?;
    let busy = || -> u64 {
        let used = mill.models.used();
        used.iter().flat_map(|m| m.workers().to_vec()).map(|w| w.meter().busy_us.load(Ordering::Relaxed)).sum()
    };
    let busy_before = busy();
    let began = Instant::now();
    let batches = context.sql(&query("")).await?.collect().await?;
    let seconds = began.elapsed().as_secs_f64();
    let share = (busy() - busy_before) as f64 / 1e6 / seconds;
    let mut rows: Vec<(String, f64)> = Vec::new();
    for batch in &batches {
        let (ids, near) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Float64Type>());
        rows.extend((0..batch.num_rows()).map(|row| (ids.value(row).to_owned(), near.value(row))));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((photos as f64 / seconds, share, rows.into_iter().map(|(_, near)| near).collect()))
}
