//! `hostelpulse.leave.v1.Guardians`.

use std::sync::Arc;

use kit::access::Caller;
use proto::{
    leave::{
        AnswerQuestionRequest, GetGuardianRequest, Guardian, SetGuardianRequest, ShowQuestionRequest, guardians_server,
    },
    types::WebPage,
};
use tonic::{Request, Response, Status};

use super::{convert, convert_gate};
use crate::operations::{
    App,
    guardian::{address, answer},
};

pub(crate) struct GuardiansRpc(pub Arc<App>);

#[tonic::async_trait]
impl guardians_server::Guardians for GuardiansRpc {
    async fn set_guardian(&self, request: Request<SetGuardianRequest>) -> Result<Response<Guardian>, Status> {
        let caller = Caller::of(&request)?;
        let (student, email) = convert_gate::guardian(request.get_ref())?;
        let address = address::set(&self.0, &caller, student, email).await?;
        Ok(Response::new(convert_gate::guardian_message(&address)))
    }

    async fn get_guardian(&self, request: Request<GetGuardianRequest>) -> Result<Response<Guardian>, Status> {
        let student = convert::id("student_id", &request.get_ref().student_id)?;
        let address = address::get(&self.0, student).await?;
        Ok(Response::new(convert_gate::guardian_message(&address)))
    }

    async fn show_question(&self, request: Request<ShowQuestionRequest>) -> Result<Response<WebPage>, Status> {
        let html = answer::show(&self.0, &request.get_ref().token).await?;
        Ok(Response::new(WebPage { html }))
    }

    async fn answer_question(&self, request: Request<AnswerQuestionRequest>) -> Result<Response<WebPage>, Status> {
        let caller = Caller::of(&request)?;
        let agrees = convert_gate::answer(request.get_ref())?;
        let html = answer::answer(&self.0, &caller, &request.get_ref().token, agrees).await?;
        Ok(Response::new(WebPage { html }))
    }
}
