//! `hostelpulse.students.v1.Students`.

use std::sync::Arc;

use kit::{Fault, access::Caller, page::Paging};
use proto::{
    students::{
        DeactivateStudentRequest, DownloadStudentsRequest, FreeRoomRequest, GetOwnStudentRequest, GetStudentRequest,
        ImportReport, ListStaysRequest, ListStaysResponse, ListStudentsRequest, ListStudentsResponse,
        MoveStudentRequest, RegisterStudentRequest, Student, UpdateStudentRequest, students_server,
    },
    types::FileChunk,
};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::{Pieces, convert, sheets};
use crate::{
    Error, domain,
    operations::{App, change, deactivate, import, list, move_room, register},
};

pub(crate) struct StudentsRpc(pub Arc<App>);

#[tonic::async_trait]
impl students_server::Students for StudentsRpc {
    async fn register_student(&self, request: Request<RegisterStudentRequest>) -> Result<Response<Student>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let room = move_room::named(app, request.room_id.as_deref()).await?;
        let new = match convert::registration(&request, room) {
            Ok(new) => new,
            Err(wrong) => {
                return Err(register::with_wrong_password(app, &caller, &request, wrong)
                    .await
                    .into());
            }
        };
        let app = app.clone();
        seen_through(async move { register::register(&app, &caller, &request, new).await }).await
    }

    async fn list_students(
        &self,
        request: Request<ListStudentsRequest>,
    ) -> Result<Response<ListStudentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let query = convert::query(request.get_ref())?;
        let (students, page) = list::list(&self.0, &caller, query).await?;
        Ok(Response::new(ListStudentsResponse {
            students: students.iter().map(convert::student).collect(),
            page: Some(page),
        }))
    }

    type DownloadStudentsStream = Pieces<FileChunk>;

    async fn download_students(
        &self,
        request: Request<DownloadStudentsRequest>,
    ) -> Result<Response<Self::DownloadStudentsStream>, Status> {
        let caller = Caller::of(&request)?;
        let filter = sheets::filter(request.get_ref())?;
        Ok(Response::new(sheets::file(self.0.clone(), caller, filter)))
    }

    async fn get_own_student(&self, request: Request<GetOwnStudentRequest>) -> Result<Response<Student>, Status> {
        let caller = Caller::of(&request)?;
        let (id, _) = caller.user()?;
        answer(list::get(&self.0, &caller, id).await)
    }

    async fn get_student(&self, request: Request<GetStudentRequest>) -> Result<Response<Student>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        answer(list::get(&self.0, &caller, id).await)
    }

    async fn update_student(&self, request: Request<UpdateStudentRequest>) -> Result<Response<Student>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let before = change::term_before(app, &caller, &request).await?;
        let room = move_room::named(app, request.room_id.as_deref()).await?;
        let (id, wish) = convert::wish(&request, before, room)?;
        let app = app.clone();
        seen_through(async move {
            let student = change::change(&app, &caller, id, &wish).await?;
            Ok(convert::student(&student))
        })
        .await
    }

    async fn deactivate_student(
        &self,
        request: Request<DeactivateStudentRequest>,
    ) -> Result<Response<Student>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        answer(deactivate::deactivate(&self.0, &caller, id).await)
    }

    async fn move_student(&self, request: Request<MoveStudentRequest>) -> Result<Response<Student>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let id = convert::id("id", &request.get_ref().id)?;
        let room = move_room::named(app, Some(&request.get_ref().room_id)).await?;
        let room = room.map_err(|expected| Fault::invalid("room_id", expected))?;
        answer(move_room::move_to(app, &caller, id, room).await)
    }

    async fn free_room(&self, request: Request<FreeRoomRequest>) -> Result<Response<Student>, Status> {
        let caller = Caller::of(&request)?;
        let id = convert::id("id", &request.get_ref().id)?;
        answer(move_room::move_to(&self.0, &caller, id, None).await)
    }

    async fn list_stays(&self, request: Request<ListStaysRequest>) -> Result<Response<ListStaysResponse>, Status> {
        let (app, caller) = (&self.0, Caller::of(&request)?);
        let request = request.into_inner();
        let id = convert::id("id", &request.id)?;
        let paging = Paging::new(request.page, request.limit)?;
        let (student, stays, page) = list::stays(app, &caller, id, paging).await?;
        Ok(Response::new(ListStaysResponse {
            stays: stays
                .iter()
                .map(|stay| convert::stay(student.name.as_str(), stay))
                .collect(),
            page: Some(page),
        }))
    }

    async fn import_students(
        &self,
        request: Request<tonic::Streaming<FileChunk>>,
    ) -> Result<Response<ImportReport>, Status> {
        let caller = Caller::of(&request)?;
        let order = sheets::order(request).await?;
        let app = self.0.clone();
        // On its own: the report is kept for whoever asks again, also when the client goes away.
        let importing = async move { import::import(&app, &caller, order).await };
        let report = tokio::spawn(importing.in_current_span()).await;
        Ok(Response::new(report.map_err(Fault::internal)??))
    }
}

/// On its own: what is reserved in auth is used or given back, also when the client goes away.
async fn seen_through(
    work: impl Future<Output = Result<Student, Error>> + Send + 'static,
) -> Result<Response<Student>, Status> {
    let outcome = tokio::spawn(work.in_current_span()).await.map_err(Fault::internal)?;
    Ok(Response::new(outcome?))
}

fn answer(outcome: Result<domain::Student, Error>) -> Result<Response<Student>, Status> {
    Ok(Response::new(convert::student(&outcome?)))
}
