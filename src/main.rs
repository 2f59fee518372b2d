//! The `spatialmill` program: see [`spatialmill::cli`].

/// Plans, batches and pages are many allocations that begin on one thread and end on another, where the system's allocator waits for locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    spatialmill::cli::main()
}
