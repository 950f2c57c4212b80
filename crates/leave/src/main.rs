//! The leave service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<leave::LeaveService>()
}
