//! The grievance service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<grievance::Grievances>()
}
