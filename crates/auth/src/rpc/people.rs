//! `hostelpulse.auth.v1.People`.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use proto::{
    auth::{PersonRecord, StreamPeopleRequest, people_server},
    options::Role,
};
use tonic::{Request, Response, Status};

use crate::{
    domain::User,
    operations::{App, list},
};

pub(crate) struct PeopleRpc(pub Arc<App>);

#[tonic::async_trait]
impl people_server::People for PeopleRpc {
    type StreamPeopleStream = BoxStream<'static, Result<PersonRecord, Status>>;

    async fn stream_people(
        &self,
        request: Request<StreamPeopleRequest>,
    ) -> Result<Response<Self::StreamPeopleStream>, Status> {
        let wanted: Vec<Role> = request.get_ref().roles().collect();
        let people = list::everybody(self.0.clone(), wanted);
        Ok(Response::new(people.map_ok(record).map_err(Status::from).boxed()))
    }
}

fn record(user: User) -> PersonRecord {
    PersonRecord {
        id: user.id.to_string(),
        version: user.version,
        name: user.name.as_str().to_owned(),
        role: user.role.into(),
        is_active: user.is_active(),
    }
}
