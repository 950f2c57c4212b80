//! The students service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<students::Students>()
}
