//! The tables of the events, the same in every service's database.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    prelude::{DeriveIden, Index, Table},
    schema::{
        big_integer, boolean, integer, pk_uuid, string, text, text_null, timestamp_with_time_zone,
        timestamp_with_time_zone_null, uuid,
    },
};

/// To stand first in a service's migrator.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Tables)]
}

struct Tables;

impl MigrationName for Tables {
    fn name(&self) -> &'static str {
        "kit_events_0001_outbox_inbox_parked"
    }
}

#[derive(DeriveIden)]
enum Outbox {
    Table,
    Id,
    Subject,
    Version,
    Kind,
    Event,
    OccurredAt,
    Attempts,
    LastError,
    NotBefore,
    PublishedAt,
}

#[derive(DeriveIden)]
enum Inbox {
    Table,
    Consumer,
    EventId,
    AppliedAt,
}

#[derive(DeriveIden)]
enum Parked {
    Table,
    Consumer,
    EventId,
    Event,
    Error,
    Tries,
    FirstFailedAt,
    LastFailedAt,
    ReplayRequested,
}

#[async_trait]
impl MigrationTrait for Tables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        outbox(manager).await?;
        inbox(manager).await?;
        parked(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Parked::Table).to_owned())
            .await?;
        manager.drop_table(Table::drop().table(Inbox::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Outbox::Table).to_owned()).await
    }
}

async fn outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let version_of_subject = Index::create()
        .unique()
        .name("outbox_subject_version")
        .col(Outbox::Subject)
        .col(Outbox::Version)
        .to_owned();
    let table = Table::create()
        .table(Outbox::Table)
        .col(pk_uuid(Outbox::Id))
        .col(uuid(Outbox::Subject))
        .col(big_integer(Outbox::Version))
        .col(string(Outbox::Kind))
        .col(text(Outbox::Event))
        .col(timestamp_with_time_zone(Outbox::OccurredAt))
        .col(integer(Outbox::Attempts))
        .col(text_null(Outbox::LastError))
        .col(timestamp_with_time_zone_null(Outbox::NotBefore))
        .col(timestamp_with_time_zone_null(Outbox::PublishedAt))
        .index(&mut version_of_subject.clone())
        .to_owned();
    manager.create_table(table).await?;
    let connection = manager.get_connection();
    // Three questions are asked all the time: what is waiting, is it the first of its subject, what may be purged.
    for index in [
        "CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL",
        "CREATE INDEX outbox_waiting_of_subject ON outbox (subject, version) WHERE published_at IS NULL",
        "CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL",
    ] {
        connection.execute_unprepared(index).await?;
    }
    Ok(())
}

async fn inbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table(Inbox::Table)
        .col(string(Inbox::Consumer))
        .col(uuid(Inbox::EventId))
        .col(timestamp_with_time_zone(Inbox::AppliedAt))
        .primary_key(Index::create().col(Inbox::Consumer).col(Inbox::EventId))
        .to_owned();
    manager.create_table(table).await?;
    let by_age = Index::create()
        .name("inbox_applied")
        .table(Inbox::Table)
        .col(Inbox::AppliedAt)
        .to_owned();
    manager.create_index(by_age).await
}

async fn parked(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table(Parked::Table)
        .col(string(Parked::Consumer))
        .col(uuid(Parked::EventId))
        .col(text(Parked::Event))
        .col(text(Parked::Error))
        .col(integer(Parked::Tries))
        .col(timestamp_with_time_zone(Parked::FirstFailedAt))
        .col(timestamp_with_time_zone(Parked::LastFailedAt))
        .col(boolean(Parked::ReplayRequested))
        .primary_key(Index::create().col(Parked::Consumer).col(Parked::EventId))
        .to_owned();
    manager.create_table(table).await
}
