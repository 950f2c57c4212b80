//! Who may read what.

use proto::{
    options::Role,
    students::{GetStudentRequest, ListStaysRequest, ListStudentsRequest},
};
use tonic::Code;

use crate::hostel::{Hostel, code, told};

#[tokio::test]
async fn a_student_reads_their_own_record_and_no_other() {
    let hostel = Hostel::open().await;
    let (student, other) = (hostel.register(1).await, hostel.register(2).await);
    assert_eq!(hostel.own(&student.id).await.unwrap(), student);
    assert_eq!(hostel.get_as(&student.id, &student.id).await.unwrap(), student);
    let foreign = code(hostel.get_as(&student.id, &other.id).await);
    assert_eq!(foreign, (Code::NotFound, "NOT_FOUND".to_owned()));
    let unknown = hostel.world.clock.new_id().to_string();
    assert_eq!(code(hostel.get_as(&student.id, &unknown).await), foreign);
    assert_eq!(code(hostel.own(&unknown).await), foreign);

    let stays = |id: &str| ListStaysRequest {
        id: id.to_owned(),
        ..ListStaysRequest::default()
    };
    let own = hostel.student(&student.id, stays(&student.id));
    told(hostel.students().list_stays(own).await).unwrap();
    let foreign_stays = hostel.student(&student.id, stays(&other.id));
    assert_eq!(code(told(hostel.students().list_stays(foreign_stays).await)), foreign);
}

#[tokio::test]
async fn others_read_nothing() {
    let hostel = Hostel::open().await;
    let student = hostel.register(1).await;
    for role in [Role::Guard, Role::Staff, Role::Teacher] {
        let request = GetStudentRequest { id: student.id.clone() };
        let read = hostel.students().get_student(hostel.world.by(role, request)).await;
        assert_eq!(code(told(read)).0, Code::PermissionDenied);
    }
    let list = hostel.student(&student.id, ListStudentsRequest::default());
    let listed = hostel.students().list_students(list).await;
    assert_eq!(code(told(listed)).0, Code::PermissionDenied);
}
