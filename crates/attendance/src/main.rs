//! The attendance service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<attendance::Attendance>()
}
