//! ONNX Runtime's library: where it is looked for, and how `spatialmill setup` gets it.
//!
//! Looked for in this order: `onnxruntime` of mill.toml, `ORT_DYLIB_PATH`, beside the program, the cache folder. It comes from PyPI's wheel by name,
//! version and hash, through `pip`; nothing else is downloaded, and nothing without being asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use spatialmill_models::{Entry, Provider};

use crate::cache_folder::cache_folder;
use crate::error::{Context, Error, Result};
use crate::project::Project;

/// What to do where there is none.
pub const HINT: &str =
    "`spatialmill setup` gets it from PyPI; or name the file: `onnxruntime = \"...\"` under [models]";

/// A wheel that holds the library.
struct Wheel {
    package: &'static str,
    version: &'static str,
    /// `uname -m`, pip's platform, and the file's SHA-256.
    platforms: &'static [(&'static str, &'static str, &'static str)],
}

/// For CPUs. Only the library inside is used, so that the Python version of the wheel does not matter.
const CPU: Wheel = Wheel {
    package: "onnxruntime",
    version: "1.32.0",
    platforms: &[
        ("x86_64", "manylinux_2_28_x86_64", "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d"),
        ("aarch64", "manylinux_2_28_aarch64", "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c"),
    ],
};

/// For NVIDIA's GPUs, which needs CUDA 13 and cuDNN 9 on the machine.
const CUDA: Wheel = Wheel {
    package: "onnxruntime-gpu",
    version: "1.31.1",
    platforms: &[(
        "x86_64",
        "manylinux_2_28_x86_64",
        "e26c475fe361b2015f45b4b824bd13f0bb20204e59b62814e6f0acd5f3d491a6",
    )],
};

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeBuild {
    Cpu,
    Cuda,
}

impl RuntimeBuild {
    fn wheel(self) -> &'static Wheel {
        match self {
            Self::Cpu => &CPU,
            Self::Cuda => &CUDA,
        }
    }
}

/// The library that this project's models run in.
pub fn find(project: &Project) -> Result<PathBuf> {
    let stated = project.text("onnxruntime");
    if !stated.is_empty() {
        let path = project.folder.join(stated);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::usage("there is no such library").with("onnxruntime", path.display()).hint(HINT))
        };
    }
    let on_gpu = |entry: &Entry| entry.run.provider.is_some_and(|provider| provider != Provider::Cpu);
    let cuda_first = project.text("provider") != "cpu" || project.models().entries().any(on_gpu);
    let builds =
        if cuda_first { [RuntimeBuild::Cuda, RuntimeBuild::Cpu] } else { [RuntimeBuild::Cpu, RuntimeBuild::Cuda] };
    let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    let folders = beside.into_iter().chain(builds.iter().filter_map(|build| installed(*build).ok()));
    std::env::var_os("ORT_DYLIB_PATH")
        .map(PathBuf::from)
        .filter(|path| path.is_file())
        .or_else(|| folders.into_iter().find_map(|folder| library_in(&folder)))
        .ok_or_else(|| Error::usage("ONNX Runtime is not on this machine").hint(HINT))
}

/// Gets the library, unless it is there; gives its path.
pub fn set_up_runtime(build: RuntimeBuild) -> Result<PathBuf> {
    let (wheel, folder) = (build.wheel(), installed(build)?);
    if let Some(library) = library_in(&folder) {
        return Ok(library);
    }
    let machine = std::env::consts::ARCH;
    let (_, platform, sha256) =
        wheel.platforms.iter().find(|(name, ..)| *name == machine && cfg!(target_os = "linux")).ok_or_else(|| {
            Error::usage(format!("there is no {} for this machine that we know of", wheel.package))
                .with("machine", machine)
                .hint("get ONNX Runtime 1.24 or newer from elsewhere, and set `onnxruntime` under [models]")
        })?;
    let scratch = tempfile::tempdir().or_input(|| "cannot make a temporary folder".into())?;
    let requirements = scratch.path().join("requirements.txt");
    std::fs::write(&requirements, format!("{}=={} --hash=sha256:{sha256}\n", wheel.package, wheel.version))
        .or_input(|| format!("cannot write `{}`", requirements.display()))?;
    // For one Python version, whichever there is here, so that there is one hash.
    let download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    let for_one = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"];
    let mut pip = Command::new("python3");
    pip.args(download).args(for_one).arg(format!("--platform={platform}"));
    pip.arg("--dest").arg(scratch.path()).arg("-r").arg(&requirements);
    run(&mut pip, "pip")?;
    let wheel_file = files_in(scratch.path()).into_iter().find(|path| path.extension().is_some_and(|e| e == "whl"));
    let wheel_file = wheel_file.ok_or_else(|| Error::input("pip left no wheel"))?;
    let unpacked = scratch.path().join("unpacked");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel_file).arg(&unpacked), "python3 -m zipfile")?;
    std::fs::create_dir_all(&folder).or_input(|| format!("cannot create `{}`", folder.display()))?;
    // The library last: it is there when all is there.
    let mut libraries = files_in(&unpacked.join("onnxruntime/capi"));
    libraries.retain(|path| name_of(path).starts_with("libonnxruntime"));
    libraries.sort_by_key(|path| is_library(path));
    for library in &libraries {
        let (part, to) = (folder.join(format!("{}.part", std::process::id())), folder.join(name_of(library)));
        std::fs::copy(library, &part)
            .and_then(|_| std::fs::rename(&part, &to))
            .or_input(|| format!("cannot write `{}`", to.display()))?;
    }
    library_in(&folder).ok_or_else(|| Error::input("the wheel holds no library").with("wheel", wheel_file.display()))
}

fn run(command: &mut Command, name: &str) -> Result<()> {
    let output = command.output().map_err(|e| {
        Error::input(format!("cannot run {name}"))
            .because(e)
            .hint("it takes Python 3 with pip; on Debian: apt install python3-pip")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned();
    Err(Error::input(format!("{name} failed: {last}")).hint(HINT))
}

fn installed(build: RuntimeBuild) -> Result<PathBuf> {
    let wheel = build.wheel();
    Ok(cache_folder()?.join(wheel.package).join(wheel.version))
}

fn library_in(folder: &Path) -> Option<PathBuf> {
    files_in(folder).into_iter().find(|path| is_library(path))
}

/// `libonnxruntime.so.1.32.0`, and not its providers.
fn is_library(path: &Path) -> bool {
    name_of(path).starts_with("libonnxruntime.so") && !name_of(path).ends_with(".part")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.sort();
    files
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
