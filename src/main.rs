//! The `spatialmill` program: see [`spatialmill::cli`].

/// Arrow's buffers are large and short-lived; glibc gives each back to the kernel and fetches it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    spatialmill::cli::main()
}
