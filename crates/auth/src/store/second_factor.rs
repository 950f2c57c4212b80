//! Queries on second factors.

use chrono::{DateTime, Utc};
use kit::db::Txn;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::entity::second_factor::{ActiveModel, Column, Entity, Model};
use crate::{
    Error,
    domain::{
        second_factor::{InUse, SecondFactor, WrongCodes},
        totp::TotpSecret,
    },
};

/// How somebody's second factor stands; also of somebody who never had one.
pub(crate) async fn find(db: &impl ConnectionTrait, user_id: Uuid) -> Result<SecondFactor, Error> {
    let row = Entity::find_by_id(user_id).one(db).await?;
    row.map_or_else(|| Ok(SecondFactor::none(user_id)), from_row)
}

/// The same, and nobody else changes it before this transaction ends: guesses come one after the other.
pub(crate) async fn lock_in_txn(txn: &Txn, user_id: Uuid) -> Result<SecondFactor, Error> {
    let none = active_model(&SecondFactor::none(user_id));
    let unless_there = OnConflict::new().do_nothing().to_owned();
    Entity::insert(none)
        .on_conflict(unless_there)
        .exec_without_returning(&**txn)
        .await?;
    let row = Entity::find_by_id(user_id).lock_exclusive().one(&**txn).await?;
    row.map_or_else(|| Ok(SecondFactor::none(user_id)), from_row)
}

/// Uses up a time step; `false` when it, or a later one, is used already.
pub(crate) async fn use_step_in_txn(txn: &Txn, user_id: Uuid, step: i64) -> Result<bool, DbErr> {
    let used = Entity::update_many()
        .col_expr(Column::LastStep, Expr::val(step))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::LastStep.lt(step))
        .exec(&**txn)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Writes what is in use and what waits.
pub(crate) async fn save_in_txn(txn: &Txn, factor: &SecondFactor) -> Result<(), DbErr> {
    let in_use = factor.in_use.as_ref();
    let mut saving = Entity::update_many()
        .col_expr(Column::Secret, Expr::val(in_use.map(|in_use| in_use.secret.base32())))
        .col_expr(Column::ConfirmedAt, Expr::val(in_use.map(|in_use| in_use.since)))
        .col_expr(
            Column::NewSecret,
            Expr::val(factor.new_secret.as_ref().map(TotpSecret::base32)),
        )
        .filter(Column::UserId.eq(factor.user_id));
    if let Some(in_use) = in_use {
        saving = saving.col_expr(Column::LastStep, Expr::val(in_use.last_step));
    }
    saving.exec(&**txn).await.map(drop)
}

/// A secret waits for the first code of its app, in place of one that waited before.
pub(crate) async fn save_new_secret_in_txn(txn: &Txn, user_id: Uuid, secret: &TotpSecret) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::NewSecret, Expr::val(secret.base32()))
        .filter(Column::UserId.eq(user_id))
        .exec(&**txn)
        .await
        .map(drop)
}

pub(crate) async fn save_wrong_in_txn(txn: &Txn, user_id: Uuid, wrong: &WrongCodes) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::WrongCodes, Expr::val(wrong_text(wrong)))
        .filter(Column::UserId.eq(user_id))
        .exec(&**txn)
        .await
        .map(drop)
}

fn active_model(factor: &SecondFactor) -> ActiveModel {
    let in_use = factor.in_use.as_ref();
    ActiveModel {
        user_id: Set(factor.user_id),
        secret: Set(in_use.map(|in_use| in_use.secret.base32())),
        last_step: Set(in_use.map_or(0, |in_use| in_use.last_step)),
        new_secret: Set(factor.new_secret.as_ref().map(TotpSecret::base32)),
        confirmed_at: Set(in_use.map(|in_use| in_use.since)),
        wrong_codes: Set(wrong_text(&factor.wrong)),
    }
}

fn wrong_text(wrong: &WrongCodes) -> String {
    let micros: Vec<String> = wrong.at().iter().map(|at| at.timestamp_micros().to_string()).collect();
    micros.join(" ")
}

fn from_row(row: Model) -> Result<SecondFactor, Error> {
    let user_id = row.user_id;
    let broken = |what| Error::Inconsistent {
        table: "second_factor",
        row: user_id.to_string(),
        what,
    };
    let secret = |text: Option<String>| {
        let parsed =
            text.map(|text| TotpSecret::parse(&text).ok_or_else(|| broken("a secret is not 20 bytes of base32")));
        parsed.transpose()
    };
    let in_use = match (secret(row.secret)?, row.confirmed_at) {
        (Some(secret), Some(since)) => Some(InUse {
            secret,
            last_step: row.last_step,
            since,
        }),
        (None, None) => None,
        _ => {
            return Err(broken(
                "a secret is in use that was not confirmed, or the other way round",
            ));
        }
    };
    let wrong: Option<Vec<DateTime<Utc>>> = row.wrong_codes.split_whitespace().map(micros).collect();
    Ok(SecondFactor {
        user_id,
        in_use,
        new_secret: secret(row.new_secret)?,
        wrong: WrongCodes::new(wrong.ok_or_else(|| broken("a wrong code has no time"))?),
    })
}

fn micros(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(text.parse().ok()?)
}
