//! The `sluicegate` program: everything is in the library.

fn main() -> std::process::ExitCode {
    sluicegate::cli::main()
}
