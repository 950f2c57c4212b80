//! The audit service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<audit::Audit>()
}
