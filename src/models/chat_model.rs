//! A vision-language model behind an OpenAI-compatible endpoint, as an entry of models.toml describes it: the step it does, its prompt, the images sent.
//!
//! ```toml
//! [[model]]
//! name = "qwen_caption"
//! task = "caption"                       # detect, caption or ground
//! family = "chat"
//! side = 1024                            # the longest side of an image as it is sent, pixels
//! coordinates = "thousand"               # or "pixels", "relative": how this model writes boxes
//! prompt = "caption"                     # queries/2_annotate/prompts/caption.md, or the project's own file there
//! verify = true                          # caption alone: a second question, whether the phrase fits; costs a call
//! most = 50                              # things of one answer, at most
//! [model.endpoint]
//! url = "http://localhost:8000/v1"
//! model = "Qwen/Qwen2.5-VL-72B-Instruct"
//! key_env = "VLM_KEY"                    # the environment variable that holds the key
//! max_cost = 20.0                        # and other limits
//! ```

use std::sync::Arc;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use serde::Deserialize;
use serde_json::json;
use spatialmill_chat::{
    Caption, Chat, Coordinates, Detect, Endpoint, EndpointError, Fatal, Ground, Image, Sent, Size, Verify,
};
use spatialmill_geometry::PixelBox;
use spatialmill_models::{Entry, Rgb, Task, resize};

use super::image_budget::DecodedImage;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Context, Error, Result};
use crate::progress::tell_line;
use crate::project::Project;

/// Around a thing that is captioned, so much of its box's sides is shown with it.
const AROUND: f64 = 0.25;

/// Details survive; models see no difference to less.
const QUALITY: u8 = 92;

/// A client with one step of one model.
pub struct ChatModel {
    pub client: Chat,
    pub step: Step,
    side: u32,
    turns: Arc<Semaphore>,
    /// Everything that an answer depends on.
    pub digest: String,
}

/// What it is asked for.
pub enum Step {
    Detect(Detect),
    Caption(Caption, Option<Verify>),
    Ground(Ground),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    endpoint: Endpoint,
    #[serde(default)]
    coordinates: Coordinates,
    #[serde(default = "side")]
    side: u32,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    verify: bool,
    #[serde(default = "most")]
    most: usize,
}

fn side() -> u32 {
    1024
}

fn most() -> usize {
    50
}

impl ChatModel {
    /// Reads the prompt and the key; sends nothing.
    pub fn open(project: &Project, entry: &Entry) -> Result<Self> {
        let settings: Settings = entry.parameters.parse().map_err(|unfit| {
            Error::usage(unfit.to_string()).hint("`spatialmill models --family chat` explains the parameters")
        })?;
        let task = entry.task.name();
        let (path, prompt) = prompt(project, settings.prompt.as_deref().unwrap_or(task))?;
        let unusable = |e: &dyn std::fmt::Display| Error::usage(e.to_string()).with("file", format!("queries/{path}"));
        let (coordinates, most) = (settings.coordinates, settings.most);
        let mut prompts = prompt.clone();
        let step = match entry.task {
            Task::Detect => Step::Detect(Detect::new(&prompt, coordinates, most).map_err(|e| unusable(&e))?),
            Task::Ground => Step::Ground(Ground::new(&prompt, coordinates, most).map_err(|e| unusable(&e))?),
            Task::Caption => {
                let caption = Caption::new(&prompt, coordinates).map_err(|e| unusable(&e))?;
                let verify = settings.verify.then(|| self::prompt(project, Verify::NAME)).transpose()?;
                let verify = verify.map(|(path, text)| {
                    prompts += &text;
                    Verify::new(&text, coordinates)
                        .map_err(|e| Error::usage(e.to_string()).with("file", format!("queries/{path}")))
                });
                Step::Caption(caption, verify.transpose()?)
            }
            other => return Err(Error::usage(format!("a chat model cannot be asked for `{other}`"))),
        };
        let answering = settings.endpoint.answering();
        let digest =
            json!([task, prompts, answering, settings.side, most, settings.verify, format!("{coordinates:?}")]);
        let name = entry.name.clone();
        let turns = Arc::new(Semaphore::new(2 * settings.endpoint.in_flight.max(1)));
        let client = Chat::new(settings.endpoint)
            .map_err(|e| {
                let error = Error::usage(e.to_string()).with("table", "[model.endpoint]");
                match e {
                    EndpointError::Key(_) => error.hint(
                        "set it where the program is started: export NAME=..; no file of the project holds a key",
                    ),
                    _ => error.hint("`spatialmill models --family chat` explains [model.endpoint]"),
                }
            })?
            .noting(move |note| tell_line(format_args!("{name}: {note}")));
        Ok(Self { client, step, side: settings.side.max(64), turns, digest: digest.to_string() })
    }

    /// Leave to prepare an image and ask about it: no more are made ready than the endpoint answers soon.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// The whole picture as it is sent, and how many of its pixels are one of the sent ones, each way.
    ///
    /// Takes what is shown, and not its pixels alone: a closure that is given the pixels would leave their part of the memory with whoever
    /// waits for the answer.
    pub fn whole(&self, image: &DecodedImage) -> Result<(Sent, [f64; 2])> {
        self.sent(&image.rgb)
    }

    /// What a box is around, with a little more, and the box in it. As [`Self::whole`].
    pub fn part(&self, image: &DecodedImage, area: &PixelBox) -> Result<(Sent, PixelBox)> {
        let picture = &image.rgb;
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let (more_x, more_y) = (AROUND * (area.x1 - area.x0), AROUND * (area.y1 - area.y0));
        let x0 = (area.x0 - more_x).floor().clamp(0.0, width - 1.0);
        let y0 = (area.y0 - more_y).floor().clamp(0.0, height - 1.0);
        let x1 = (area.x1 + more_x).ceil().clamp(x0 + 1.0, width);
        let y1 = (area.y1 + more_y).ceil().clamp(y0 + 1.0, height);
        // All are whole and inside the picture.
        let [left, top, right, bottom] = [x0, y0, x1, y1].map(|at| at as usize);
        let stride = 3 * picture.width() as usize;
        let rows = (top..bottom).flat_map(|y| &picture.pixels()[y * stride + 3 * left..y * stride + 3 * right]);
        let cut = Rgb::new((right - left) as u32, (bottom - top) as u32, rows.copied().collect())
            .ok_or_else(|| Error::internal("a part of a picture has no pixels"))?;
        let (sent, [by_x, by_y]) = self.sent(&cut)?;
        let inside = PixelBox {
            x0: ((area.x0 - x0) / by_x).max(0.0),
            y0: ((area.y0 - y0) / by_y).max(0.0),
            x1: ((area.x1 - x0) / by_x).min(f64::from(sent.size.width)),
            y1: ((area.y1 - y0) / by_y).min(f64::from(sent.size.height)),
        };
        Ok((sent, inside))
    }

    fn sent(&self, picture: &Rgb) -> Result<(Sent, [f64; 2])> {
        let longest = picture.width().max(picture.height());
        let share = (f64::from(self.side) / f64::from(longest)).min(1.0);
        let scaled = |side: u32| ((f64::from(side) * share).round() as u32).clamp(1, 65_535);
        let size = spatialmill_models::Size { width: scaled(picture.width()), height: scaled(picture.height()) };
        let small;
        let shown = if size == picture.size() {
            picture
        } else {
            small = resize::antialiased(picture, size);
            &small
        };
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
        encoder
            .encode(shown.pixels(), size.width as u16, size.height as u16, ColorType::Rgb)
            .or_internal(|| "cannot encode an image for a model".into())?;
        let by =
            [f64::from(picture.width()) / f64::from(size.width), f64::from(picture.height()) / f64::from(size.height)];
        let sent = Sent { image: Image::jpeg(jpeg), size: Size { width: size.width, height: size.height } };
        Ok((sent, by))
    }
}

/// What a run ends with when an endpoint ends it.
pub fn ended(fatal: &Fatal) -> Error {
    let hint = match fatal {
        Fatal::Budget(_) => {
            "`max_cost` and `max_tokens_total` of [model.endpoint] in models.toml are the limits; what was answered is kept"
        }
        Fatal::Key(_) => {
            "`key_env` of [model.endpoint] in models.toml names the environment variable that holds the key"
        }
        _ => {
            "[model.endpoint] of the model in models.toml says where it is asked; `spatialmill doctor` looks whether it is there"
        }
    };
    Error::input(fatal.to_string()).hint(hint)
}

/// The path below `queries/` and the text of a prompt.
fn prompt(project: &Project, name: &str) -> Result<(String, String)> {
    let path = format!("{PROMPTS}{name}.md");
    match project.queries().get(&path) {
        Some(text) => Ok((path, text.clone())),
        None => {
            let known = project.queries().keys().filter_map(|path| path.strip_prefix(PROMPTS)?.strip_suffix(".md"));
            Err(Error::usage("there is no such prompt")
                .with("file", format!("queries/{path}"))
                .hint(format!("prompts: {}", known.collect::<Vec<_>>().join(", "))))
        }
    }
}

/// Where prompts are, below `queries/`.
pub const PROMPTS: &str = "2_annotate/prompts/";

/// For `spatialmill models --family chat`.
pub const DOC: &str = "\
A vision-language model over an OpenAI-compatible HTTP API: vLLM, SGLang, llama.cpp, hosted models. One [[model]] for each task: `detect` (things with
a description each), `caption` (a short noun phrase for what a box is around), `ground` (boxes of a phrase).

Parameters:
  prompt      = the task     queries/2_annotate/prompts/<prompt>.md; a file of that name in the project replaces it or adds one
  side        = 1024         the longest side of an image as it is sent, pixels
  coordinates = \"thousand\"   or \"pixels\" (of the image as sent), \"relative\": how this model writes boxes
  most        = 50           things of one answer, at most
  verify      = false        caption alone: a second question, whether the phrase fits what is in the box

[model.endpoint]:
  url, model                 http://localhost:8000/v1, and the model's name there
  key_env                    the environment variable that holds the key; it is never shown or stored
  timeout_s = 120, retries = 5, backoff_s = 1, backoff_max_s = 60, in_flight = 8, requests_per_minute
  max_tokens = 1024, temperature = 0, seed = 0, json = \"schema\" (\"object\", \"none\"), extra = {}, omit = []
  price_in, price_out        of a million tokens; with max_cost or max_tokens_total nothing is sent beyond

An image that a call fails for is quarantined; a phrase that says where something is, or that does not fit, is left out and counted.";
