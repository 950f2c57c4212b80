//! The table `signing_key`.

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// Ed25519 seed in hexadecimal; it leaves this database only into this service.
    pub seed: String,
    /// One key signs; older ones only verify, until their tokens have ended.
    pub is_signing: bool,
    pub created_at: DateTimeUtc,
    /// Published before it signs, so that everybody knows it by then; null for the first key.
    pub signs_from: Option<DateTimeUtc>,
    /// Until when its tokens are good; null for the key that signs.
    pub verifies_until: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Never printed whole.
impl std::fmt::Debug for Model {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("signing_key")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
