//! `setup`: gets ONNX Runtime, which models run in.

use clap::Args;

use super::{Global, out};
use crate::blocking::blocking;
use crate::error::Result;
use crate::models::library::{RuntimeBuild, set_up_runtime};
use crate::progress::tell_line;

/// Get ONNX Runtime, which the models of models.toml run in
///
/// The library comes out of PyPI's wheel, by name, version and hash, through `python3 -m pip`, and is put into the cache folder
/// ($XDG_CACHE_HOME/spatialmill, or ~/.cache/spatialmill). Nothing is installed, and what is there already is not fetched again.
#[derive(Debug, Args)]
pub struct Setup {
    /// The build for NVIDIA's GPUs (256 MB); CUDA 13 and cuDNN 9 must be on the machine
    #[arg(long)]
    cuda: bool,
}

impl Setup {
    pub(super) async fn run(self, _: &Global) -> Result<()> {
        let build = if self.cuda { RuntimeBuild::Cuda } else { RuntimeBuild::Cpu };
        tell_line(format_args!("getting ONNX Runtime from PyPI, unless it is here"));
        let library = blocking(move || set_up_runtime(build)).await?;
        out(&format!("{}\n", library.display()))
    }
}
