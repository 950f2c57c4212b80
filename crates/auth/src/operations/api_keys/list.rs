//! Reading keys.

use kit::{access::Caller, page::Paging};
use proto::types::Page;

use super::super::App;
use crate::{Error, domain::api_key::ApiKey, store};

pub(crate) async fn list(app: &App, caller: &Caller, paging: Paging) -> Result<(Vec<ApiKey>, Page), Error> {
    let keeper = super::keeper(app, caller).await?;
    let (keys, total) = store::api_key::list(app.db.reader(), keeper, paging).await?;
    Ok((keys, paging.of(total)))
}
