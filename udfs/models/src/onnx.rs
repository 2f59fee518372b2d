//! Networks in ONNX Runtime, whose library is loaded when the program runs.
//!
//! The one file that calls it. Inputs are converted to the number type that a network declares, outputs to `f32`; tensors of `f32`
//! are handed over without a copy. Arithmetic is deterministic for one machine and one size of batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use half::f16;
use ort::environment::Environment;
use ort::ep;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Outlet, Shape, TensorElementType, TensorRef};
use thiserror::Error;

use crate::family::NetworkRoles;
use crate::network::{Network, RunError};
use crate::registry::{File, Port};
use crate::{Signature, Tensor};

/// ONNX Runtime, loaded.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
}

/// Why there is no network to run.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("cannot load ONNX Runtime from `{library}`: {reason}")]
    Library { library: PathBuf, reason: String },
    #[error("ONNX Runtime was loaded from `{loaded}` already; one process has one")]
    OtherLibrary { loaded: PathBuf },
    #[error("the execution provider `{provider}` is not active: {reason}")]
    Provider { provider: &'static str, reason: String },
    #[error("not a model that ONNX Runtime can open: {0}")]
    Model(String),
    #[error("{0}")]
    Contract(String),
}

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Cpu,
    Cuda,
    TensorRt,
}

impl Provider {
    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        }
    }
}

/// How a session runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    pub provider: Provider,
    /// Which accelerator.
    pub device: i32,
    /// Threads of one call on the CPU; 0 is one per core.
    pub threads: usize,
}

/// The process has one; the library cannot be unloaded.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library, or gives what was loaded from this path before.
    pub fn load(library: &Path) -> Result<Self, OpenError> {
        let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            if runtime.library == library {
                return Ok(runtime.clone());
            }
            return Err(OpenError::OtherLibrary { loaded: runtime.library.clone() });
        }
        let failed = |reason: String| OpenError::Library { library: library.to_owned(), reason };
        let environment = ort::init_from(library)
            .map_err(|e| failed(e.to_string()))?
            .with_name("spatialmill")
            .with_telemetry(false)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let runtime = Self { environment, library: library.to_owned() };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// What it is built from, in its own words.
    pub fn version(&self) -> &'static str {
        ort::info()
    }
}

/// A session, and which of its names plays which role.
pub struct OnnxNetwork {
    session: Session,
    inputs: Vec<Named>,
    outputs: Vec<Named>,
    signature: Signature,
}

struct Named {
    role: String,
    name: String,
    numbers: TensorElementType,
}

impl OnnxNetwork {
    /// Opens an `.onnx` or `.ort` file. Each input of the network must have a role; outputs without one are not asked for. A role without
    /// a port is the input or output of that name, or the only one there is.
    pub fn open(
        runtime: &Runtime,
        file: &Path,
        roles: &NetworkRoles,
        ports: &File,
        options: SessionOptions,
    ) -> Result<Self, OpenError> {
        let session = session(runtime, file, options)?;
        let (inputs, taken) = assign(session.inputs(), roles.inputs, &ports.inputs, roles.optional, "input")?;
        let (outputs, given) = assign(session.outputs(), roles.outputs, &ports.outputs, roles.optional, "output")?;
        if let Some(unknown) = session.inputs().iter().find(|input| inputs.iter().all(|n| n.name != input.name())) {
            return Err(OpenError::Contract(format!(
                "the network has an input `{}` that its family knows nothing of",
                unknown.name()
            )));
        }
        let signature = Signature { inputs: taken, outputs: given };
        Ok(Self { session, inputs, outputs, signature })
    }
}

fn session(runtime: &Runtime, file: &Path, options: SessionOptions) -> Result<Session, OpenError> {
    let model = |e: &dyn std::fmt::Display| OpenError::Model(e.to_string());
    let mut builder = Session::builder(&runtime.environment)
        .map_err(|e| model(&e))?
        .with_deterministic_compute(true)
        .map_err(|e| model(&e))?;
    if options.threads > 0 {
        builder = builder.with_intra_threads(options.threads).map_err(|e| model(&e))?;
    }
    // Whatever falls back in silence to the CPU would look like a slow GPU, so a provider that is not active is an error.
    let device = options.device;
    let cuda = || ep::CUDA::default().with_device_id(device).build().error_on_failure();
    let providers = match options.provider {
        Provider::Cpu => Vec::new(),
        Provider::Cuda => vec![cuda()],
        Provider::TensorRt => {
            vec![ep::TensorRT::default().with_device_id(device).build().error_on_failure(), cuda()]
        }
    };
    if !providers.is_empty() {
        builder = builder
            .with_execution_providers(providers)
            .map_err(|e| OpenError::Provider { provider: options.provider.name(), reason: e.to_string() })?;
    }
    builder.commit_from_file(file).map_err(|e| model(&e))
}

type Sizes = BTreeMap<String, Vec<Option<usize>>>;

/// Which of a network's inputs or outputs plays each role, and its sizes.
fn assign(
    outlets: &[Outlet],
    roles: &[&str],
    ports: &BTreeMap<String, Port>,
    optional: &[&str],
    kind: &str,
) -> Result<(Vec<Named>, Sizes), OpenError> {
    let (mut named, mut sizes) = (Vec::new(), Sizes::new());
    let needed: Vec<&&str> = roles.iter().filter(|role| !optional.contains(role)).collect();
    let names = || outlets.iter().map(Outlet::name).collect::<Vec<_>>().join("`, `");
    for role in roles {
        let port = ports.get(*role);
        let wanted = port.map_or(*role, |port| port.name());
        let outlet = match outlets.iter().find(|outlet| outlet.name() == wanted) {
            Some(outlet) => outlet,
            None if port.is_none() && outlets.len() == 1 && needed == [role] => &outlets[0],
            None if port.is_none() && optional.contains(role) => continue,
            None => {
                let message = format!(
                    "the network has no {kind} `{wanted}`; it has `{}`. `{kind}s = {{ {role} = \"...\" }}` says which it is",
                    names()
                );
                return Err(OpenError::Contract(message));
            }
        };
        let (Some(numbers), Some(shape)) = (outlet.dtype().tensor_type(), outlet.dtype().tensor_shape()) else {
            return Err(OpenError::Contract(format!("the {kind} `{}` is no tensor", outlet.name())));
        };
        let dims: Vec<Option<usize>> = shape.iter().map(|&size| usize::try_from(size).ok()).collect();
        if let Some(stated) = port.and_then(Port::shape)
            && !agrees(stated, &dims)
        {
            let message = format!("the {kind} `{}` is {}, the registry says {stated:?}", outlet.name(), shown(&dims));
            return Err(OpenError::Contract(message));
        }
        named.push(Named { role: (*role).to_owned(), name: outlet.name().to_owned(), numbers });
        sizes.insert((*role).to_owned(), dims);
    }
    Ok((named, sizes))
}

/// A stated size of -1 or 0 is any; so is one that the network leaves open.
fn agrees(stated: &[i64], dims: &[Option<usize>]) -> bool {
    let same = |(stated, dim): (&i64, &Option<usize>)| *stated <= 0 || dim.is_none_or(|dim| dim as i64 == *stated);
    stated.len() == dims.len() && stated.iter().zip(dims).all(same)
}

fn shown(dims: &[Option<usize>]) -> String {
    let sizes: Vec<String> = dims.iter().map(|dim| dim.map_or("any".to_owned(), |dim| dim.to_string())).collect();
    format!("[{}]", sizes.join(", "))
}

impl Network for OnnxNetwork {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>, RunError> {
        let mut values: Vec<(&str, SessionInputValue)> = Vec::with_capacity(inputs.len());
        for named in &self.inputs {
            let (_, tensor) = inputs
                .iter()
                .find(|(role, _)| *role == named.role)
                .ok_or_else(|| RunError::Failed(format!("nothing was given for `{}`", named.name)))?;
            values.push((named.name.as_str(), input(tensor, named.numbers).map_err(|e| run_error(&e))?));
        }
        let given = self.session.run(values).map_err(|e| run_error(&e))?;
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for named in &self.outputs {
            let value = given
                .get(&named.name)
                .ok_or_else(|| RunError::Failed(format!("the network gave no `{}`", named.name)))?;
            outputs.push((named.role.clone(), output(value, named.numbers).map_err(|e| run_error(&e))?));
        }
        Ok(outputs)
    }
}

fn input(tensor: &Tensor, numbers: TensorElementType) -> ort::Result<SessionInputValue<'_>> {
    fn owned<T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
        tensor: &Tensor,
        convert: impl Fn(f32) -> T,
    ) -> ort::Result<SessionInputValue<'static>> {
        let data: Vec<T> = tensor.data().iter().map(|x| convert(*x)).collect();
        Ok(ort::value::Tensor::from_array((tensor.shape().to_vec(), data))?.into_dyn().into())
    }
    match numbers {
        TensorElementType::Float32 => {
            Ok(TensorRef::from_array_view((tensor.shape().to_vec(), tensor.data()))?.into_dyn().into())
        }
        TensorElementType::Float16 => owned(tensor, f16::from_f32),
        TensorElementType::Int64 => owned(tensor, |x| x as i64),
        TensorElementType::Int32 => owned(tensor, |x| x as i32),
        TensorElementType::Uint8 => owned(tensor, |x| x as u8),
        other => Err(ort::Error::new(format!("inputs of {other:?} are not supported"))),
    }
}

fn output(value: &DynValue, numbers: TensorElementType) -> ort::Result<Tensor> {
    fn of<T: ort::value::PrimitiveTensorElementType + Copy>(
        value: &DynValue,
        convert: impl Fn(T) -> f32,
    ) -> ort::Result<Tensor> {
        let (shape, data) = value.try_extract_tensor::<T>()?;
        Ok(Tensor::new(sizes(shape), data.iter().map(|x| convert(*x)).collect()))
    }
    match numbers {
        TensorElementType::Float32 => {
            let (shape, data) = value.try_extract_tensor::<f32>()?;
            Ok(Tensor::new(sizes(shape), data.to_vec()))
        }
        TensorElementType::Float16 => of::<f16>(value, f16::to_f32),
        TensorElementType::Int64 => of::<i64>(value, |x| x as f32),
        TensorElementType::Int32 => of::<i32>(value, |x| x as f32),
        TensorElementType::Uint8 => of::<u8>(value, f32::from),
        other => Err(ort::Error::new(format!("outputs of {other:?} are not supported"))),
    }
}

fn sizes(shape: &Shape) -> Vec<usize> {
    // The sizes of a value are never negative.
    shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect()
}

/// ONNX Runtime has no code of its own for memory that ran out; these are the words of its allocators and of CUDA.
fn run_error(error: &ort::Error) -> RunError {
    const WORDS: [&str; 5] =
        ["out of memory", "Failed to allocate memory", "CUDA_ERROR_OUT_OF_MEMORY", "bad_alloc", "Available memory of"];
    let message = error.to_string();
    match WORDS.iter().any(|words| message.contains(words)) {
        true => RunError::OutOfMemory(message),
        false => RunError::Failed(message),
    }
}
