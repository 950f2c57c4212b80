//! What each command does.

mod config;
mod events;
mod keys;
mod migrate;
mod projections;
mod up;
mod users;

use crate::cli::{Cli, Command, ConfigCommand, EventsCommand, KeysCommand, ProjectionsCommand, UsersCommand};

/// Runs the command that was given.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let file = cli.config;
    match cli.command {
        Command::Up(up) => up::up(file, up).await,
        Command::Serve { services, flags } => up::serve(file, flags, &services).await,
        Command::Migrate { services, flags } => migrate::migrate(file, flags, services).await,
        Command::Config(ConfigCommand::Show { flags }) => config::show(file, flags),
        Command::Config(ConfigCommand::Check { flags }) => config::check(file, flags),
        Command::Events(EventsCommand::Parked { flags }) => events::parked(file, flags).await,
        Command::Events(EventsCommand::Show { id, flags }) => events::show(file, flags, id).await,
        Command::Events(EventsCommand::Replay {
            id,
            all: _,
            since,
            flags,
        }) => events::replay(file, flags, id, since).await,
        Command::Projections(ProjectionsCommand::Rebuild { service, flags }) => {
            projections::rebuild(file, flags, service).await
        }
        Command::Keys(KeysCommand::Rotate { what, flags }) => keys::rotate(file, flags, what).await,
        Command::Users(UsersCommand::CreateAdmin { email, name, flags }) => {
            users::create_admin(file, flags, email, name).await
        }
    }
}
