//! The `spatialmill` program: see [`spatialmill::cli`].

fn main() -> std::process::ExitCode {
    spatialmill::cli::main()
}
