//! The auth service alone.

fn main() -> std::process::ExitCode {
    kit::service::main::<auth::Auth>()
}
